package kv

import (
	"context"
	"crypto/rand"
	"time"
)

// TryLead tries to take the lease of a key for a time and reports whether this process has it now: one that asks the others of a
// service to leave some work to it. While s is away nobody has it; when s loses the key two processes may, which the work must bear.
func TryLead(ctx context.Context, s Store, key string, lease time.Duration) bool {
	own := rand.Text()
	if err := s.Set(ctx, []Item{{Key: key, Value: []byte(own), TTL: lease, IfAbsent: true}}); err != nil {
		return false
	}
	values, err := s.MGet(ctx, []string{key})
	return err == nil && string(values[0]) == own
}
