// Package service answers the calls of social.thrift: who follows whom.
package service

import (
	"context"
	"log/slog"
	"time"

	"tiktok/cmd/social/dal/cache"
	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/rpc"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/telemetry"
)

var _ social.SocialService = (*Service)(nil)

// Deps is what the service works with. All fields are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	Peers rpc.Peers
	Tel   *telemetry.Telemetry
	// Relay hands over what the store has written for other services. Nil: nobody hears of it.
	Relay *outbox.Relay
}

// Service keeps follows. It is safe for concurrent use.
type Service struct {
	store                         *db.Store
	stats                         *kv.LoadingCache[int64, db.Stats]
	following, followers, friends cachedLists
	ids                           *id.Generator
	peers                         rpc.Peers
	log                           *slog.Logger
	now                           func() time.Time
	relay                         *outbox.Relay
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	return &Service{
		store:     d.Store,
		stats:     kv.NewLoadingCache(d.Cache, cache.Stats(d.Tel.Log, d.Tel.Registry), d.Store.MGetStats),
		following: newCachedLists(d, db.Following),
		followers: newCachedLists(d, db.Followers),
		friends:   newCachedLists(d, db.Friends),
		ids:       d.IDs,
		peers:     d.Peers,
		log:       d.Tel.Log,
		now:       time.Now,
		relay:     d.Relay,
	}
}

// Run hands over what other services shall hear of, until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.relay.Run(ctx) }

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }
