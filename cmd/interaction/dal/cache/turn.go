package cache

import (
	"context"
	"crypto/rand"
	"time"

	"tiktok/pkg/kv"
)

const (
	turnKey = "tt:interaction:purge:v1"
	// turnTTL is how long a turn lasts: a little less than a day, so that it is taken once a day.
	turnTTL = 23 * time.Hour
)

// Turn reports that the purge of today is this process's to do. It is never when the store is away, and may be twice
// when the store loses the key: that does no harm.
func (p *Pending) Turn(ctx context.Context) bool {
	own := rand.Text()
	if err := p.store.Set(ctx, []kv.Item{{Key: turnKey, Value: []byte(own), TTL: turnTTL, IfAbsent: true}}); err != nil {
		return false
	}
	values, err := p.store.MGet(ctx, []string{turnKey})
	return err == nil && string(values[0]) == own
}
