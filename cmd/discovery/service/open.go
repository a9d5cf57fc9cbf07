package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Name is what the service's schema, and its queue of messages, are called.
const Name = "discovery"

// Open opens the database "discovery", brings its schema up to date, opens the cache and the index, and returns the service, which owns
// them. bus stays the caller's.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, Name, db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), sql.Close())
	}
	engine, _, err := OpenEngine(cfg.Discovery, false, tel)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), store.Close(), sql.Close())
	}
	s := New(Deps{Store: db.New(sql), Cache: store, IDs: ids, Peers: peers, Bus: bus, Config: cfg.Discovery, Tel: tel, Engine: engine})
	s.closers = lifecycle.Closers{sql.Close, store.Close, engine.Close}
	return s, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
