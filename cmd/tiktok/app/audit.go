package app

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
)

// Audit recounts every counter of every service from the lists that it counts, on whatever store the settings name,
// and reports each one that differs. Counters of likes and comments are exact when the queue is empty; on a store that
// is being written to, a difference may be a write under way. With cfg.Audit.Repair, services that can do so repair first.
func Audit(ctx context.Context, cfg config.Config, report func(format string, args ...any)) (mismatches int, err error) {
	shared, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	for _, s := range services.All() {
		if s.Audit == nil {
			continue
		}
		open := func(db *sqldb.DB) services.Auditor { return s.Audit(db, shared) }
		n, err := auditService(ctx, cfg, s.Name, open, report)
		if err != nil {
			return mismatches, fmt.Errorf("%s: %w", s.Name, err)
		}
		report("%-12s %d counters wrong", s.Name, n)
		mismatches += n
	}
	return mismatches, nil
}

func auditService(ctx context.Context, cfg config.Config, name string, open func(*sqldb.DB) services.Auditor, report func(string, ...any)) (n int, err error) {
	db, err := sqldb.Open(ctx, cfg.DB, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	named := func(format string, args ...any) { report(name+": "+format, args...) }
	store := open(db)
	if r, ok := store.(services.Repairer); ok && cfg.Audit.Repair {
		repaired, err := r.Repair(ctx, named)
		if err != nil {
			return 0, err
		}
		report("%-12s %d counters repaired", name, repaired)
	}
	return store.Audit(ctx, named)
}
