package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// slowStatement is how long a statement may take before it is logged.
const slowStatement = 500 * time.Millisecond

// Open opens the database "social", brings its schema up to date, opens the cache, and returns the service, which owns
// both.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers) (*Service, error) {
	sql, err := sqldb.Open(ctx, cfg.DB, "social")
	if err != nil {
		return nil, fmt.Errorf("social: %w", err)
	}
	if err := sql.Instrument(tel.Log, tel.Registry, slowStatement); err != nil {
		return nil, errors.Join(fmt.Errorf("social: %w", err), sql.Close())
	}
	if err := sql.Migrate(ctx, db.Migrations()); err != nil {
		return nil, errors.Join(fmt.Errorf("social: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("social: %w", err), sql.Close())
	}
	s := New(Deps{Store: db.New(sql), Cache: store, IDs: ids, Peers: peers, Tel: tel})
	s.closers = []func() error{sql.Close, store.Close}
	return s, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}
