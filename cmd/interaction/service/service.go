// Package service is the interaction service: likes, comments and the counters that follow from them.
//
// Every write is checked, becomes an event and goes through the queue to apply, the only code that changes the store.
// The queue may deliver late, twice and in any order; what is stored ends the same.
package service

import (
	"context"
	"log/slog"
	"math"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/rpc"
	"tiktok/kitex_gen/common"
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
	queue queue.Queue[mq.Event]
	words *words.Filter
	ids   *id.Generator
	peers rpc.Peers
	// closers release what Open opened, in this order.
	closers []func() error
}

var _ interaction.InteractionService = (*Service)(nil)

// New puts a service together. It starts nothing: no write is answered before Run consumes the queue.
func New(d Deps) *Service {
	return &Service{
		store: d.Store,
		stats: cache.NewStats(d.Cache, d.Log, d.Metrics),
		queue: d.Queue,
		words: d.Words,
		ids:   d.IDs,
		peers: d.Peers,
	}
}

// Run applies queued events until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.queue.Consume(ctx, s.apply) }

// Ready reports whether the service can answer. Without its cache or its queue it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// page reads a page's bounds: entries whose key is below before, and how many of them. A list's cursor is the key of
// the last entry that was sent.
func page(p *common.Page) (before int64, limit int, err error) {
	before, limit = math.MaxInt64, common.MAX_BATCH
	if p == nil {
		return before, limit, nil
	}
	if p.Limit < 0 || p.Limit > common.MAX_BATCH {
		return 0, 0, errno.InvalidArgument.With("limit is out of range")
	}
	if p.Limit > 0 {
		limit = int(p.Limit)
	}
	if p.Cursor != "" {
		before, err = strconv.ParseInt(p.Cursor, 10, 64)
		if err != nil || before <= 0 {
			return 0, 0, errno.InvalidArgument.With("cursor is malformed")
		}
	}
	return before, limit, nil
}

// cut shortens rows, read with one more than limit, to a page, and returns the cursor of the next one: empty at the end.
func cut[T any](rows []T, limit int, key func(T) int64) (shown []T, next string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], strconv.FormatInt(key(rows[limit-1]), 10)
}

// batch returns the positive ids, each once. It fails when there are more than MAX_BATCH.
func batch(ids []int64) ([]int64, error) {
	if len(ids) > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("too many ids")
	}
	seen := make(map[int64]struct{}, len(ids))
	out := make([]int64, 0, len(ids))
	for _, id := range ids {
		if _, dup := seen[id]; dup || id <= 0 {
			continue
		}
		seen[id] = struct{}{}
		out = append(out, id)
	}
	return out, nil
}

// positive fails with InvalidArgument when one of the ids cannot be an id.
func positive(ids ...int64) error {
	for _, id := range ids {
		if id <= 0 {
			return errno.InvalidArgument.With("an id must be greater than 0")
		}
	}
	return nil
}
