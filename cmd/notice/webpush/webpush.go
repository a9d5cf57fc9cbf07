// Package webpush tells users' browsers what happened while no page is open: at most once, together what comes close together, and
// without anybody waiting for it.
package webpush

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tiktok/cmd/internal/revocations"
	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/webpush"
)

// Message is the kind of pushes about messages; the others have the names of notices.
const Message = "message"

// Event is something that a user may be told.
type Event struct {
	// UserID is who is told.
	UserID int64
	// Kind is Message, or the KindOf a notice.
	Kind string
	// ActorID is who did it; 0 for nobody.
	ActorID int64
	// VideoID is what it is about; 0 for nothing.
	VideoID int64
}

// KindOf is the name of a kind of notices, "" for an unknown one.
func KindOf(kind int) string {
	names := [...]string{
		notice.Kind_LIKE: "like", notice.Kind_COMMENT: "comment", notice.Kind_REPLY: "reply", notice.Kind_MENTION: "mention",
		notice.Kind_FOLLOW: "follow", notice.Kind_COMMENT_LIKE: "comment_like", notice.Kind_UPLOAD: "upload",
	}
	if kind < 0 || kind >= len(names) {
		return ""
	}
	return names[kind]
}

// kinds is how many kinds of notices there are: 1..kinds.
const kinds = int(notice.Kind_UPLOAD)

// Deps is what a Pusher needs. All but Sender, Now, Gather and Retry are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	// Sender sends. Nil: Web Push is off.
	Sender *webpush.Sender
	// Users knows which sessions have ended.
	Users userservice.Client
	IDs   *id.Generator
	Tel   *telemetry.Telemetry
	// Pause is the least time between two pushes of one kind to one user.
	Pause time.Duration
	// SessionTTL is how long a session lives.
	SessionTTL time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Gather is how long after an event others are told together with it, Retry the pause before a second attempt. 0: 2 and 10 s.
	Gather, Retry time.Duration
}

const (
	// gather lets a storm become one push.
	gather = 2 * time.Second
	// retry is the pause before a second attempt; each further one takes four times as long.
	retry = 10 * time.Second
)

// Pusher keeps the subscriptions of browsers, and pushes to them. It is safe for concurrent use. Make one with New; a nil one
// is switched off.
type Pusher struct {
	Deps
	log      *slog.Logger
	sessions *sessions

	mu      sync.Mutex
	waiting map[key]*waiting
	// told is when a push of that kind was last made for a user. What is older than Pause is forgotten.
	told map[key]time.Time

	sends   *prometheus.CounterVec
	dropped *prometheus.CounterVec
	queued  prometheus.Gauge
}

// New makes a Pusher that does nothing before Run.
func New(d Deps) *Pusher {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Gather == 0 {
		d.Gather = gather
	}
	if d.Retry == 0 {
		d.Retry = retry
	}
	p := &Pusher{Deps: d, log: d.Tel.Log, waiting: map[key]*waiting{}, told: map[key]time.Time{}}
	p.sessions = &sessions{
		store: d.Store, follower: revocations.Follower{Users: d.Users}, log: d.Tel.Log, ttl: d.SessionTTL, now: d.Now,
		ended: map[int64]int64{},
	}
	metrics := promauto.With(d.Tel.Registry)
	p.sends = metrics.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_webpush_sends_total",
		Help: "Pushes to browsers, by what became of them: ok, gone (the subscription was removed), later (tried again), failed (given up), " +
			"refused.",
	}, []string{"result"})
	p.dropped = metrics.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_webpush_dropped_total",
		Help: "What browsers were not told, by why: full (too much waits), store (subscriptions could not be read).",
	}, []string{"reason"})
	p.queued = metrics.NewGauge(prometheus.GaugeOpts{
		Name: "tiktok_webpush_queued", Help: "Pushes that wait for their push service, or for another attempt.",
	})
	return p
}

// off reports whether nothing is pushed. A nil Pusher is switched off.
func (p *Pusher) off() bool { return p == nil || p.Sender == nil }

// PublicKey is what a browser needs to subscribe; "" when Web Push is off.
func (p *Pusher) PublicKey() string {
	if p.off() {
		return ""
	}
	return p.Sender.PublicKey()
}

// Subscribe stores a user's browser, and returns its id. Errors are PushUnavailable, InvalidArgument, Unauthenticated for a session that
// has ended, and those of the store.
func (p *Pusher) Subscribe(ctx context.Context, userID, sessionID int64, sub webpush.Subscription) (int64, error) {
	if p.off() {
		return 0, errno.PushUnavailable
	}
	if userID <= 0 {
		return 0, errno.InvalidArgument.With("user id is missing")
	}
	if sessionID <= 0 {
		return 0, errno.InvalidArgument.With("this login is too old to be told, please log in again")
	}
	sub, err := p.Sender.Check(sub)
	switch {
	case errors.Is(err, webpush.ErrKeys):
		return 0, errno.InvalidArgument.With("p256dh or auth is not a key of a subscription")
	case err != nil:
		return 0, errno.InvalidArgument.With("endpoint is not one of a push service")
	}
	n, err := p.IDs.Next()
	if err != nil {
		return 0, err
	}
	stored, err := p.Store.Subscribe(ctx, db.Subscription{
		ID: n, UserID: userID, SessionID: sessionID, Endpoint: sub.Endpoint, P256dh: sub.P256dh, Auth: sub.Auth,
		CreatedAtMs: p.Now().UnixMilli(),
	})
	if err != nil {
		return 0, err
	}
	// Only now: the session may have ended since the gateway looked, and its subscriptions been removed before this one was there.
	if p.sessions.over(sessionID) {
		if err := p.Store.Unsubscribe(ctx, userID, stored); err != nil {
			return 0, err
		}
		return 0, errno.Unauthenticated
	}
	return stored, nil
}

// Run pushes until ctx ends. What waits then is lost.
func (p *Pusher) Run(ctx context.Context) error {
	if p.off() {
		<-ctx.Done()
		return nil
	}
	var group sync.WaitGroup
	group.Go(func() { p.sessions.run(ctx) })
	newQueue(p).run(ctx)
	group.Wait()
	return nil
}
