// Package service answers the calls of discovery.thrift: search, tags, what was watched, and feeds.
package service

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/cmd/discovery/feed"
	"tiktok/cmd/discovery/follow"
	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/rpc"
	"tiktok/cmd/discovery/visible"
	"tiktok/cmd/discovery/watch"
	"tiktok/cmd/internal/pending"
	"tiktok/config"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
)

var _ discovery.DiscoveryService = (*Service)(nil)

// Deps is what the service works with. All fields but Now, Engine and IndexLead are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	Peers rpc.Peers
	// Bus brings what happened in the other services.
	Bus outbox.Bus
	// Queue carries what users have watched; nil: nobody can tell.
	Queue queue.Queue[mq.Event]
	// Pending are the watches that Queue has accepted and that are not stored yet. Nil: it answers when it has applied.
	Pending *pending.Writes[mq.Event]
	Config  config.Discovery
	Tel     *telemetry.Telemetry
	// Engine answers searches; nil: none does.
	Engine index.Engine
	// IndexLead is for an engine that several processes share; see follow.Deps.
	IndexLead func(ctx context.Context) (bool, error)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service finds and chooses videos. It is safe for concurrent use.
type Service struct {
	store *db.Store
	cache kv.Store
	bus   outbox.Bus
	ids   *id.Generator
	peers rpc.Peers
	log   *slog.Logger
	now   func() time.Time
	// settings are those of discovery.
	settings config.Discovery
	// catalogue tells what is done to the catalogue; ranks is what is to be ranked anew.
	catalogue catalogueMetrics
	ranks     *touched
	// searches asks the index; follower keeps it, nil without an engine.
	searches *searcher
	follower *follow.Follower
	// watches are what users have watched.
	watches *watch.Watches
	// feeds chooses videos, and what is visible goes into all answers.
	feeds   *feed.Feeds
	visible visible.Filter
	tagPages
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, cache: d.Cache, bus: d.Bus, ids: d.IDs, peers: d.Peers, log: d.Tel.Log, now: d.Now, settings: d.Config,
		catalogue: newCatalogueMetrics(d.Tel.Registry), ranks: newTouched(),
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.searches = newSearcher(d.Engine, d.Tel.Registry)
	if d.Engine != nil {
		s.follower = s.newFollower(d)
	}
	s.watches = watch.New(watch.Deps{
		Store: d.Store, Cache: d.Cache, Queue: d.Queue, Pending: d.Pending, IDs: d.IDs, Videos: d.Peers.Videos,
		Heat:        func(h float64, atMs int64) float64 { return heat.Add(h, finishWeight, atMs, d.Config.HalfLife) },
		SessionDays: d.Config.SessionDays, Log: d.Tel.Log, Metrics: d.Tel.Registry, Now: d.Now,
		Changed: func(ctx context.Context, userIDs []int64) { s.feeds.Changed(ctx, userIDs) },
	})
	s.visible = visible.New(d.Store, d.Tel.Log, s.now)
	s.feeds = feed.New(feed.Deps{
		Store: d.Store, Cache: d.Cache, Visible: s.visible, Seen: s.watches.SeenSorted, Settings: d.Config.Feeds, HalfLife: d.Config.HalfLife,
		Log: d.Tel.Log, Metrics: d.Tel.Registry, Now: s.now,
	})
	s.tagPages = newTagPages(d)
	return s
}

// Run works in the background until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.bus.Consume(ctx, Name, s.apply) })
	g.Go(func() error { s.rank(ctx); return nil })
	g.Go(func() error { return s.fill(ctx) })
	g.Go(func() error { s.purge(ctx); return nil })
	if s.follower != nil {
		g.Go(func() error { return s.follower.Run(ctx) })
	}
	g.Go(func() error { return s.watches.Run(ctx) })
	g.Go(func() error { return s.feeds.Run(ctx) })
	return g.Wait()
}

// Ready reports whether the service can do its work. Without its cache or its index it can do most of it.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// behind reads a replica, when there is one: for figures, and later pages of others.
func (s *Service) behind() *db.Store { return db.New(s.store.Behind()) }
