package cache

import (
	"context"
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
	return kv.TryLead(ctx, s, purgeLeaseKey, purgeLease)
}
