package services

import (
	"context"

	discoverycache "tiktok/cmd/discovery/dal/cache"
	discoverydb "tiktok/cmd/discovery/dal/db"
	discoveryservice "tiktok/cmd/discovery/service"
	"tiktok/pkg/kv"
)

// discoveryAudit recounts what was watched, and compares the catalogue with what it is made of.
type discoveryAudit struct {
	store     *discoverydb.Store
	catalogue *discoveryservice.Auditor
	views     *kv.LoadingCache[int64, int64]
}

func newDiscoveryAudit(s Schemas, shared kv.Store) Auditor {
	store := discoverydb.New(s["discovery"])
	return discoveryAudit{
		store, discoveryservice.NewAuditor(store, catalogueSources(s)...),
		discoverycache.NewViews(shared, nil, nil, nil), // it only invalidates
	}
}

// Counters implements Auditor.
func (a discoveryAudit) Counters(ctx context.Context) (int64, error) {
	watches, err := a.store.WatchCounters(ctx)
	if err != nil {
		return 0, err
	}
	rows, err := a.catalogue.Counters(ctx)
	return watches + rows, err
}

// Audit implements Auditor.
func (a discoveryAudit) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	mismatches, err = a.store.AuditWatches(ctx, report)
	if err != nil {
		return mismatches, err
	}
	n, err := a.catalogue.Audit(ctx, report)
	return mismatches + n, err
}

// Repair implements Repairer. What it repairs is not served from the cache any more.
func (a discoveryAudit) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	repaired, err = a.store.RepairWatches(ctx, report, func(ctx context.Context, videoID int64) { a.views.Invalidate(ctx, videoID) })
	if err != nil {
		return repaired, err
	}
	n, err := a.catalogue.Repair(ctx, report)
	return repaired + n, err
}
