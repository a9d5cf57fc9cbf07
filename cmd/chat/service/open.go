package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// slowStatement is how long a statement may take before it is logged.
const slowStatement = 500 * time.Millisecond

// Open opens the database "chat", brings its schema up to date, reads the word list, and returns the service, which
// owns the database.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers) (*Service, error) {
	filter, err := words.Open(cfg.Words)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	sql, err := sqldb.Open(ctx, cfg.DB, "chat")
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	if err := errors.Join(sql.Instrument(tel.Log, tel.Registry, slowStatement), sql.Migrate(ctx, db.Migrations())); err != nil {
		return nil, errors.Join(fmt.Errorf("chat: %w", err), sql.Close())
	}
	s := New(Deps{Store: db.New(sql), IDs: ids, Words: filter, Peers: peers, Tel: tel})
	s.close = sql.Close
	return s, nil
}
