// Package service answers the calls of notice.thrift: what users are told, made of what the other services have done.
package service

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/notice/dal/cache"
	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/webpush"
	"tiktok/kitex_gen/notice"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
)

var _ notice.NoticeService = (*Service)(nil)

// Deps is what the service works with. All fields but Browsers and Now are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	// Bus brings what happened in the other services.
	Bus outbox.Bus
	// Hints reach the open pages of users.
	Hints push.Broker
	// Browsers are told while no page is open. Nil: they are not.
	Browsers *webpush.Pusher
	Tel      *telemetry.Telemetry
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service keeps notices. It is safe for concurrent use. Of each user the number of unread notices is cached: every page shows it.
type Service struct {
	store  *db.Store
	cache  kv.Store
	unread *kv.LoadingCache[int64, int]
	bus    outbox.Bus
	hints  push.Broker
	// browsers pushes to those that have subscribed.
	browsers *webpush.Pusher
	ids      *id.Generator
	log      *slog.Logger
	now      func() time.Time
	metrics  metrics
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, cache: d.Cache, bus: d.Bus, hints: d.Hints, browsers: d.Browsers, ids: d.IDs, log: d.Tel.Log,
		now:     d.Now,
		metrics: newMetrics(d.Tel.Registry),
	}
	s.unread = kv.NewLoadingCache(d.Cache, cache.UnreadOptions(d.Tel.Log, d.Tel.Registry), s.loadUnread)
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Run makes notices of what happens, pushes to browsers, and forgets what was taken back long ago, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.bus.Consume(ctx, Name, s.apply) })
	g.Go(func() error { s.purge(ctx); return nil })
	g.Go(func() error { return s.browsers.Run(ctx) })
	return g.Wait()
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }
