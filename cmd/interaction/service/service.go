// Package service is the interaction service: likes, comments and the counters that follow from them.
//
// Every write is checked, becomes an event and goes through the queue to apply, the only code that changes the store.
// The queue delivers at least once, late and in any order; what is stored ends the same. What it has accepted and not yet
// delivered is shown all the same: see overlay.go and dal/pending.
package service

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/cmd/interaction/rpc"
	"tiktok/cmd/internal/publishers"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/words"
)

// Deps is what the service is made of. Everything is needed except Log and Metrics.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	// Queue carries events to apply. It may call it several times at once.
	Queue queue.Queue[mq.Event]
	// Pending are the accepted writes that are not stored yet. Nil: Queue answers when it has applied.
	Pending *pending.Writes
	// Bus tells which videos the video service has deleted. Nil: nobody does.
	Bus outbox.Bus
	// Former tells the same, as a video service of before there was a bus does. Nil: there is none. Remove it with the release after.
	Former queue.Queue[video.VideoDeleted]
	// Relay hands over what the store has written for other services. Nil: nobody hears of it.
	Relay *outbox.Relay
	Words *words.Filter
	IDs   *id.Generator
	Peers rpc.Peers
	// Log gets a line when the cache fails or the clock is wrong. Nil: no log.
	Log *slog.Logger
	// Metrics gets the cache's counters and the service's own metrics. Several services may share one. Nil: no metrics.
	Metrics prometheus.Registerer
}

// Service implements the generated interface. It is safe for concurrent use.
type Service struct {
	store *db.Store
	cache kv.Store
	stats *cache.Stats
	// likes are the likes by user.
	likes   *kv.LoadingCache[int64, cache.Likes]
	pending *pending.Writes
	queue   queue.Queue[mq.Event]
	bus     outbox.Bus
	former  queue.Queue[video.VideoDeleted]
	relay   *outbox.Relay
	// authors are the authors of videos.
	authors *kv.LoadingCache[int64, int64]
	words   *words.Filter
	ids     *id.Generator
	peers   rpc.Peers
	log     *slog.Logger
	metrics
	// closers release what Open opened.
	closers lifecycle.Closers
}

var _ interaction.InteractionService = (*Service)(nil)

// New puts a service together. It starts nothing: no write is answered before Run consumes the queue.
func New(d Deps) *Service {
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		store:   d.Store,
		cache:   d.Cache,
		pending: d.Pending,
		queue:   d.Queue,
		bus:     d.Bus,
		former:  d.Former,
		relay:   d.Relay,
		words:   d.Words,
		ids:     d.IDs,
		peers:   d.Peers,
		log:     log,
		metrics: newMetrics(d.Metrics),
	}
	s.stats = cache.NewStats(d.Cache, d.Log, d.Metrics, s.loadVideoStats, s.loadUserStats)
	s.likes = cache.NewLikes(d.Cache, d.Log, d.Metrics, s.loadLikes)
	s.authors = publishers.New(d.Cache, d.Peers.Videos, authorTTL, d.Log, d.Metrics)
	return s
}

// Run applies queued events, forgets deleted videos, and looks after the store and the clock, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.queue.Consume(ctx, s.apply) })
	// The contexts of bus and queue go on to the end of what they hold. A deletion may be long, and can stop anywhere.
	if s.bus != nil {
		g.Go(func() error {
			return s.bus.Consume(ctx, Name, func(_ context.Context, messages []outbox.Message) error { return s.hear(ctx, messages) })
		})
	}
	if s.former != nil {
		g.Go(func() error {
			return s.former.Consume(ctx, func(_ context.Context, deleted []video.VideoDeleted) error { return s.hearFormer(ctx, deleted) })
		})
	}
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { s.watchClock(ctx); return nil })
	g.Go(func() error { s.purge(ctx); return nil })
	return g.Wait()
}

// Ready reports whether the service can answer. Without its cache or its queue it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// positive fails with InvalidArgument when one of the ids cannot be an id.
func positive(ids ...int64) error {
	for _, id := range ids {
		if id <= 0 {
			return errno.InvalidArgument.With("an id must be greater than 0")
		}
	}
	return nil
}
