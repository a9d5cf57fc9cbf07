package services

import (
	"context"

	discoverycache "tiktok/cmd/discovery/dal/cache"
	discoverydb "tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/kv"
)

// discoveryAudit recounts what was watched.
type discoveryAudit struct {
	store *discoverydb.Store
	views *kv.LoadingCache[int64, int64]
}

func newDiscoveryAudit(s Schemas, shared kv.Store) Auditor {
	return discoveryAudit{discoverydb.New(s["discovery"]), discoverycache.NewViews(shared, nil, nil, nil)} // it only invalidates
}

// Counters implements Auditor.
func (a discoveryAudit) Counters(ctx context.Context) (int64, error) {
	return a.store.WatchCounters(ctx)
}

// Audit implements Auditor.
func (a discoveryAudit) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	return a.store.AuditWatches(ctx, report)
}

// Repair implements Repairer. What it repairs is not served from the cache any more.
func (a discoveryAudit) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	return a.store.RepairWatches(ctx, report, func(ctx context.Context, videoID int64) { a.views.Invalidate(ctx, videoID) })
}
