package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Open opens the database "video", brings its schema up to date, opens the cache, and returns the service, which owns
// both.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "video", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("video: %w", err)
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("video: %w", err), sql.Close())
	}
	s := New(Deps{Store: db.New(sql), Cache: store, IDs: ids, Tel: tel})
	s.close = func() error { return errors.Join(store.Close(), sql.Close()) }
	return s, nil
}
