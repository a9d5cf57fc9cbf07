package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// Open opens the database "chat", brings its schema up to date, opens the cache, reads the word list, and returns the
// service, which owns database and cache.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
) (*Service, error) {
	filter, err := words.Open(cfg.Words)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "chat", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	rows := db.New(sql)
	if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("chat: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("chat: %w", err), sql.Close())
	}
	s := New(Deps{Store: rows, Cache: store, IDs: ids, Words: filter, Peers: peers, Tel: tel, Relay: outbox.NewRelay(sql, bus, "chat", tel)})
	s.closers = lifecycle.Closers{sql.Close, store.Close}
	return s, nil
}
