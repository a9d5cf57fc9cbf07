// Package service is the interaction service: likes, comments and the counters that follow from them.
//
// Every write is checked, becomes an event and goes through the queue to apply, the only code that changes the store.
// The queue may deliver late, twice and in any order; what is stored ends the same. What it has accepted and not yet
// delivered is shown from a list of pending events: see pending.go.
package service

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/rpc"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
	"tiktok/pkg/words"
)

// Deps is what the service is made of. Everything is needed except Log and Metrics.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	Queue queue.Queue[mq.Event]
	Words *words.Filter
	IDs   *id.Generator
	Peers rpc.Peers
	// Log gets a line when the cache fails. Nil: no log.
	Log *slog.Logger
	// Metrics gets the cache's counters. Nil: no metrics.
	Metrics prometheus.Registerer
}

// Service implements the generated interface. It is safe for concurrent use.
type Service struct {
	store *db.Store
	stats *cache.Stats
	// pending is what the queue has accepted and the store may not have yet.
	pending *cache.Pending
	queue   queue.Queue[mq.Event]
	words   *words.Filter
	ids     *id.Generator
	peers   rpc.Peers
	// closers release what Open opened, in this order.
	closers []func() error
}

var _ interaction.InteractionService = (*Service)(nil)

// New puts a service together. It starts nothing: no write is answered before Run consumes the queue.
func New(d Deps) *Service {
	return &Service{
		store:   d.Store,
		stats:   cache.NewStats(d.Cache, d.Log, d.Metrics),
		pending: cache.NewPending(d.Cache, d.Log),
		queue:   d.Queue,
		words:   d.Words,
		ids:     d.IDs,
		peers:   d.Peers,
	}
}

// Run applies queued events until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.queue.Consume(ctx, s.apply) }

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
