// Package service answers the calls of chat.thrift: messages between two users.
package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/internal/requestkeys"
	"tiktok/kitex_gen/chat"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

var _ chat.ChatService = (*Service)(nil)

// Deps is what the service works with. All fields but Now are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	Words *words.Filter
	Peers rpc.Peers
	Tel   *telemetry.Telemetry
	// Relay hands over what the store has written for other services. Nil: nobody hears of it.
	Relay *outbox.Relay
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service keeps conversations. It is safe for concurrent use. Of each conversation the newest message is
// cached: nearly all polls find nothing newer, lists of friends show it, and what is new is seen at once.
type Service struct {
	store *db.Store
	cache kv.Store
	last  *kv.LoadingCache[db.Key, cache.Last]
	ids   *id.Generator
	words *words.Filter
	peers rpc.Peers
	log   *slog.Logger
	now   func() time.Time
	// stored and polls count messages stored and conversations read.
	stored prometheus.Counter
	polls  *prometheus.CounterVec
	relay  *outbox.Relay
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, cache: d.Cache, ids: d.IDs, words: d.Words, peers: d.Peers, log: d.Tel.Log, now: d.Now, relay: d.Relay,
	}
	s.last = kv.NewLoadingCache(d.Cache, cache.LastOptions(d.Tel.Log, d.Tel.Registry), s.loadLast)
	if s.now == nil {
		s.now = time.Now
	}
	metrics := promauto.With(d.Tel.Registry)
	s.stored = metrics.NewCounter(prometheus.CounterOpts{Name: "tiktok_chat_messages_total", Help: "Messages stored."})
	s.polls = metrics.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_chat_polls_total", Help: "Conversations read, by what there was to tell: new or nothing.",
	}, []string{"result"})
	return s
}

// Run settles stale conversations, forgets keys of requests, and hands over what other services shall hear of, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.settle(ctx); return nil })
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { requestkeys.Purge(ctx, s.log, "chat", s.cache, s.store.DB); return nil })
	return g.Wait()
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
