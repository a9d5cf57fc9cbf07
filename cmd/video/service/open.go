package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// slowStatement is how long a statement may take before it is logged.
const slowStatement = 500 * time.Millisecond

// Open opens the database "video", brings its schema up to date, opens the cache, and returns the service, which owns
// both.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator) (*Service, error) {
	sql, err := sqldb.Open(ctx, cfg.DB, "video")
	if err != nil {
		return nil, fmt.Errorf("video: %w", err)
	}
	if err := errors.Join(sql.Instrument(tel.Log, tel.Registry, slowStatement), sql.Migrate(ctx, db.Migrations())); err != nil {
		return nil, errors.Join(fmt.Errorf("video: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("video: %w", err), sql.Close())
	}
	s := New(Deps{Store: db.New(sql), Cache: store, IDs: ids, Tel: tel})
	s.close = func() error { return errors.Join(store.Close(), sql.Close()) }
	return s, nil
}
