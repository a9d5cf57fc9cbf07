package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Name is what the service's schema, and its queue of messages, are called.
const Name = "notice"

// Open opens the database "notice", brings its schema up to date, opens the cache, and returns the service, which owns both. bus and
// hints stay the caller's.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus, hints push.Broker,
) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, Name, db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("notice: %w", err)
	}
	rows := db.New(sql)
	if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("notice: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("notice: %w", err), sql.Close())
	}
	browsers, closeBrowsers, err := openBrowsers(cfg, rows, ids, peers, tel)
	if err != nil {
		return nil, errors.Join(err, store.Close(), sql.Close())
	}
	s := New(Deps{Store: rows, Cache: store, IDs: ids, Bus: bus, Hints: hints, Tel: tel, Browsers: browsers})
	s.closers = lifecycle.Closers{sql.Close, store.Close, closeBrowsers}
	return s, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
