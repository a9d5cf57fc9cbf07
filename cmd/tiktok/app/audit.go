package app

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/interaction/dal/cache"
	interaction "tiktok/cmd/interaction/dal/db"
	social "tiktok/cmd/social/dal/db"
	video "tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
)

// auditor recounts one service's counters.
type auditor interface {
	Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error)
}

// repairer sets one service's wrong counters right.
type repairer interface {
	Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error)
}

// interactionStore repairs with the shared cache in mind.
type interactionStore struct {
	*interaction.Store
	stats *cache.Stats
}

// Repair implements repairer. What it repairs is not served from the cache any more.
func (s interactionStore) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	return s.Store.Repair(ctx, report, s.stats.Repaired)
}

// Audit recounts every counter of every service from the lists that it counts, on whatever store the settings name,
// and reports each one that differs. Counters of likes and comments are exact when the queue is empty; on a store that
// is being written to, a difference may be a write under way. With cfg.Audit.Repair, services that can do so repair first.
func Audit(ctx context.Context, cfg config.Config, report func(format string, args ...any)) (mismatches int, err error) {
	shared, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	services := []struct {
		name string
		open func(*sqldb.DB) auditor
	}{
		{"video", func(db *sqldb.DB) auditor { return video.New(db) }},
		{"interaction", func(db *sqldb.DB) auditor {
			return interactionStore{interaction.New(db), cache.NewStats(shared, nil, nil)}
		}},
		{"social", func(db *sqldb.DB) auditor { return social.New(db) }},
	}
	for _, s := range services {
		n, err := auditService(ctx, cfg, s.name, s.open, report)
		if err != nil {
			return mismatches, fmt.Errorf("%s: %w", s.name, err)
		}
		report("%-12s %d counters wrong", s.name, n)
		mismatches += n
	}
	return mismatches, nil
}

func auditService(ctx context.Context, cfg config.Config, name string, open func(*sqldb.DB) auditor, report func(string, ...any)) (n int, err error) {
	db, err := sqldb.Open(ctx, cfg.DB, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	named := func(format string, args ...any) { report(name+": "+format, args...) }
	store := open(db)
	if r, ok := store.(repairer); ok && cfg.Audit.Repair {
		repaired, err := r.Repair(ctx, named)
		if err != nil {
			return 0, err
		}
		report("%-12s %d counters repaired", name, repaired)
	}
	return store.Audit(ctx, named)
}
