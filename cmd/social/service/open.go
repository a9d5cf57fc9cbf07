package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Open opens the database "social", brings its schema up to date, opens the cache, and returns the service, which owns
// both.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "social", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("social: %w", err)
	}
	rows := db.New(sql)
	if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("social: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("social: %w", err), sql.Close())
	}
	s := New(Deps{Store: rows, Cache: store, IDs: ids, Peers: peers, Tel: tel, Relay: outbox.NewRelay(sql, bus, "social", tel)})
	s.closers = lifecycle.Closers{sql.Close, store.Close}
	return s, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
