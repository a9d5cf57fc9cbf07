package cache

import (
	"context"
	"crypto/rand"
	"time"

	"tiktok/pkg/kv"
)

const (
	purgeLeaseKey = "tt:interaction:purge:v1"
	// purgeLease is a little less than a day, so that the lease is taken once a day.
	purgeLease = 23 * time.Hour
)

// TryLeadPurge tries to take the lease of the daily purge and reports whether this process has it now. While s is away
// nobody has it; when s loses the key two processes may, which does no harm.
func TryLeadPurge(ctx context.Context, s kv.Store) bool {
	own := rand.Text()
	if err := s.Set(ctx, []kv.Item{{Key: purgeLeaseKey, Value: []byte(own), TTL: purgeLease, IfAbsent: true}}); err != nil {
		return false
	}
	values, err := s.MGet(ctx, []string{purgeLeaseKey})
	return err == nil && string(values[0]) == own
}
