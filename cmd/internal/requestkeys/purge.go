// Package requestkeys removes what services remember of requests with a key, once that is forgotten.
package requestkeys

import (
	"context"
	"log/slog"
	"time"

	"tiktok/cmd/internal/purge"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
)

// Purge removes old keys of a service once a day, in one of its replicas, until ctx ends. Replicas share the cache.
func Purge(ctx context.Context, log *slog.Logger, service string, cache kv.Store, db *sqldb.DB) {
	lead := func(ctx context.Context) bool {
		return kv.TryLead(ctx, cache, "tt:"+service+":keypurge:v1", purge.Lease)
	}
	purge.Daily(ctx, log, "keys of requests", lead, func(ctx context.Context) (int64, error) {
		return Once(ctx, db, time.Now(), purge.Rest)
	})
}

// Once removes the keys that are forgotten at a time, in small steps with a pause after each.
func Once(ctx context.Context, db *sqldb.DB, now time.Time, pause time.Duration) (removed int64, err error) {
	keys := idempotency.NewStore(db)
	return purge.All(ctx, pause, func() (int64, bool, error) {
		return keys.Purge(ctx, now.Add(-idempotency.Remembered).UnixMilli())
	})
}
