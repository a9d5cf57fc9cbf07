// Package service answers the calls of user.thrift: accounts and their public cards.
package service

import (
	"context"
	"time"

	"tiktok/cmd/user/dal/cache"
	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/auth"
	"tiktok/pkg/batch"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/telemetry"
)

var _ user.UserService = (*Service)(nil)

// loads is how many statements that fill the cache run at a time; what comes meanwhile goes together.
const loads = 2

// Deps is what the service works with. All fields are needed; they stay the caller's to close.
type Deps struct {
	Store  *db.Store
	Cache  kv.Store
	IDs    *id.Generator
	Hasher *auth.Hasher
	Tel    *telemetry.Telemetry
}

// Service keeps accounts. It is safe for concurrent use.
type Service struct {
	store  *db.Store
	users  *kv.Typed[int64, db.User]
	load   batch.Load[db.User]
	ids    *id.Generator
	hasher *auth.Hasher
	now    func() time.Time
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	return &Service{
		store:  d.Store,
		users:  kv.NewTyped(d.Cache, cache.Users(d.Tel.Log, d.Tel.Registry)),
		load:   batch.Merge(loads, common.MAX_BATCH, d.Store.MGet),
		ids:    d.IDs,
		hasher: d.Hasher,
		now:    time.Now,
	}
}

// Run blocks until ctx ends: the service has no work in the background.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }
