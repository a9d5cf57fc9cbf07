package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/user/dal/db"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/limiter"
	"tiktok/pkg/names"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// Open opens the database "user", brings its schema up to date, opens the cache, and returns the service, which owns both. bus
// stays the caller's.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, bus outbox.Bus) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, "user", db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	rows := db.New(sql)
	if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("user: %w", err), sql.Close())
	}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("user: %w", err), sql.Close())
	}
	policy, err := names.New(cfg.Names)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("user: %w", err), store.Close(), sql.Close())
	}
	filter, err := words.Open(cfg.Words)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("user: %w", err), store.Close(), sql.Close())
	}
	driver, rule := cfg.Limits.Driver, cfg.Limits.LoginAccount
	if driver == config.LimitsOff {
		driver, rule = limiter.DriverMemory, limiter.Rule{}
	}
	guesses, err := limiter.Open(driver, cfg.Cache, tel.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("user: %w", err), store.Close(), sql.Close())
	}
	s := New(Deps{
		Store: rows, Cache: store, IDs: ids, Hasher: auth.NewHasher(cfg.Auth.HashParallel), Guesses: guesses, Rule: rule,
		Names: policy, Words: filter, TokenTTL: cfg.Auth.TokenTTL, Tel: tel, Relay: outbox.NewRelay(sql, bus, "user", tel),
	})
	s.closers = lifecycle.Closers{sql.Close, store.Close, guesses.Close}
	return s, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
