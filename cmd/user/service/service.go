// Package service answers the calls of user.thrift: accounts, their sessions and their public profiles.
package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tiktok/cmd/user/dal/cache"
	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/auth"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/limiter"
	"tiktok/pkg/names"
	"tiktok/pkg/outbox"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

var _ user.UserService = (*Service)(nil)

// Deps is what the service works with. All fields but Now are needed; they stay the caller's to close.
type Deps struct {
	Store  *db.Store
	Cache  kv.Store
	IDs    *id.Generator
	Hasher *auth.Hasher
	// Guesses counts tries on each account from networks that it does not know, by Rule.
	Guesses limiter.Limiter
	Rule    limiter.Rule
	// Names decides which names may be registered.
	Names *names.Policy
	// Words are not to be in profiles.
	Words *words.Filter
	// TokenTTL is how long tokens live, and so how long sessions and revocations are kept.
	TokenTTL time.Duration
	Tel      *telemetry.Telemetry
	// Relay hands over what the store has written for other services. Nil: nobody hears of it.
	Relay *outbox.Relay
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service keeps accounts and sessions. It is safe for concurrent use.
type Service struct {
	store *db.Store
	cache kv.Store
	users *kv.LoadingCache[int64, db.User]
	// idsByName are the ids of accounts by username.
	idsByName *kv.LoadingCache[string, int64]
	ids       *id.Generator
	hasher    *auth.Hasher
	// guesses and rule bound the tries on an account.
	guesses limiter.Limiter
	rule    limiter.Rule
	names   *names.Policy
	words   *words.Filter
	// tokenTTL is how long a session lasts.
	tokenTTL time.Duration
	log      *slog.Logger
	now      func() time.Time
	relay    *outbox.Relay
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store:     d.Store,
		cache:     d.Cache,
		users:     kv.NewLoadingCache(d.Cache, cache.Users(d.Tel.Log, d.Tel.Registry), d.Store.MGet),
		idsByName: kv.NewLoadingCache(d.Cache, cache.Names(d.Tel.Log, d.Tel.Registry), d.Store.FindIDs),
		ids:       d.IDs,
		hasher:    d.Hasher,
		guesses:   d.Guesses,
		rule:      d.Rule,
		names:     d.Names,
		words:     d.Words,
		tokenTTL:  d.TokenTTL,
		log:       d.Tel.Log,
		now:       d.Now,
		relay:     d.Relay,
	}
	if s.now == nil {
		s.now = time.Now
	}
	promauto.With(d.Tel.Registry).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_password_hashes_waiting", Help: "Logins and registrations that wait for the hash of their password now.",
	}, func() float64 { return float64(d.Hasher.Waiting()) })
	return s
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }
