package service

import (
	"context"
	"fmt"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// Open opens the database "chat", brings its schema up to date, reads the word list, and returns the service, which
// owns the database.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers) (*Service, error) {
	filter, err := words.Open(cfg.Words)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "chat", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	s := New(Deps{Store: db.New(sql), IDs: ids, Words: filter, Peers: peers, Tel: tel})
	s.close = sql.Close
	return s, nil
}
