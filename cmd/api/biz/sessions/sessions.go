// Package sessions knows which sessions are revoked, without a call a request, and when sessions were last used.
package sessions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/internal/revocations"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

const (
	// firstWait bounds all calls of the first poll.
	firstWait = 2 * time.Second
	// sendEvery is the pause between two reports of when sessions were used, sendTimeout bounds one call of them.
	sendEvery   = 30 * time.Second
	sendTimeout = 5 * time.Second
	// maxUses bounds the sessions of which a use is noted between two reports, about 100 bytes each. The uses of more are lost.
	maxUses = 50_000
)

// Deps are what a Watch needs. All but OnRevoked and Now are needed.
type Deps struct {
	User userservice.Client
	// TTL is how long tokens live: revocations are forgotten then.
	TTL      time.Duration
	Log      *slog.Logger
	Registry *prometheus.Registry
	// OnRevoked is told of each session that is refused from now on. It must not wait.
	OnRevoked func(userID, sessionID int64)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// key is a session; session 0 are all tokens of the user that name none.
type key struct{ user, session int64 }

// revocation is an entry of revoked. One that was revoked twice has two, of which the later counts.
type revocation struct {
	key
	ms int64
}

// Watch holds the sessions that are revoked and whose tokens would still be valid, about 100 bytes each. It asks the user service for
// new ones each second. While that is away it goes on with those that it knows: nothing can be revoked meanwhile. Make one with New.
// It is safe for concurrent use.
type Watch struct {
	Deps
	loaded   atomic.Bool
	polledMs atomic.Int64
	failures prometheus.Counter

	mu      sync.RWMutex
	revoked map[key]int64 // when, in milliseconds
	order   []revocation  // of revoked, oldest first, but for the differences of clocks
	used    map[key]int64 // when, in milliseconds: the first use since the last report

	polling  sync.Mutex
	follower revocations.Follower // guarded by polling
}

// New makes a Watch that knows nothing yet. Nothing is called before Load or Run.
func New(d Deps) *Watch {
	if d.Now == nil {
		d.Now = time.Now
	}
	w := &Watch{Deps: d, follower: revocations.Follower{Users: d.User}, revoked: map[key]int64{}, used: map[key]int64{}}
	w.polledMs.Store(d.Now().UnixMilli())
	w.failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_sessions_poll_failures_total", Help: "Polls for revoked sessions that failed.",
	})
	telemetry.Register(d.Registry, w.failures)
	telemetry.Register(d.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_sessions_revoked", Help: "Revoked sessions that this gateway refuses.",
	}, func() float64 {
		w.mu.RLock()
		defer w.mu.RUnlock()
		return float64(len(w.revoked))
	}))
	telemetry.Register(d.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_sessions_poll_age_seconds", Help: "Time since this gateway last learnt which sessions are revoked.",
	}, w.age))
	return w
}

// age is how old what is known is, in seconds.
func (w *Watch) age() float64 { return float64(w.Now().UnixMilli()-w.polledMs.Load()) / 1000 }

// Check notes a use of a session, 0 for a token without one. Errors are errno.Unauthenticated when it is revoked, and
// errno.Unavailable while it is not known yet what is revoked.
func (w *Watch) Check(userID, sessionID int64) error {
	if !w.loaded.Load() {
		return errno.Unavailable
	}
	k := key{userID, sessionID}
	w.mu.RLock()
	_, revoked := w.revoked[k]
	_, noted := w.used[k]
	w.mu.RUnlock()
	if revoked {
		return errno.Unauthenticated
	}
	if !noted && sessionID != 0 {
		w.note(k, w.Now().UnixMilli())
	}
	return nil
}

// Ready fails until it is known which sessions are revoked.
func (w *Watch) Ready(context.Context) error {
	if !w.loaded.Load() {
		return errors.New("revoked sessions are not known yet")
	}
	return nil
}

// note remembers a use, unless there are too many.
func (w *Watch) note(k key, ms int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.used[k]; !ok && len(w.used) < maxUses {
		w.used[k] = ms
	}
}

// Add refuses sessions from now on. It is for what this gateway has just revoked, so that it need not wait for the next poll.
func (w *Watch) Add(revoked []*user.Revocation) {
	if len(revoked) == 0 {
		return
	}
	for _, k := range w.add(revoked) {
		if w.OnRevoked != nil {
			w.OnRevoked(k.user, k.session)
		}
	}
}

// add returns those that are new.
func (w *Watch) add(revoked []*user.Revocation) (added []key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range revoked {
		k := key{r.UserId, r.SessionId}
		if ms, ok := w.revoked[k]; ok && r.RevokedAtMs <= ms {
			continue
		}
		w.revoked[k] = r.RevokedAtMs
		w.order = append(w.order, revocation{k, r.RevokedAtMs})
		added = append(added, k)
	}
	return added
}

// forget drops those whose tokens have ended.
func (w *Watch) forget() {
	ended := w.Now().Add(-w.TTL - revocations.TTLMargin).UnixMilli()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for ; n < len(w.order) && w.order[n].ms < ended; n++ {
		if old := w.order[n]; w.revoked[old.key] == old.ms {
			delete(w.revoked, old.key)
		}
	}
	w.order = w.order[n:]
}

// Load asks for what is revoked for the first time, for two seconds at most. When that fails, Run goes on.
func (w *Watch) Load(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstWait)
	defer cancel()
	w.poll(ctx)
}

// Run asks for what was revoked, and reports uses, until ctx ends and the last ones are reported.
func (w *Watch) Run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() {
		every(ctx, revocations.Every, func() { w.poll(ctx) })
	})
	group.Go(func() {
		every(ctx, sendEvery, func() { w.send(ctx) })
		w.send(context.WithoutCancel(ctx))
	})
	group.Wait()
}

// every calls do after each pause until ctx ends.
func every(ctx context.Context, pause time.Duration, do func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// poll reads what was revoked since the last poll, page by page.
func (w *Watch) poll(ctx context.Context) {
	w.polling.Lock()
	defer w.polling.Unlock()
	err := w.follower.Read(ctx, func(page []*user.Revocation) error { w.Add(page); return nil })
	if err != nil {
		if ctx.Err() == nil || !w.loaded.Load() {
			w.failures.Inc()
			w.Log.WarnContext(ctx, "cannot learn which sessions are revoked, trying again", "err", err)
		}
		return
	}
	w.polledMs.Store(w.Now().UnixMilli())
	w.loaded.Store(true)
	w.forget()
}

// send reports the uses since the last report. What it could not report stays for the next one.
func (w *Watch) send(ctx context.Context) {
	w.mu.Lock()
	used := w.used
	w.used = make(map[key]int64, len(used))
	w.mu.Unlock()
	uses := make([]*user.SessionUse, 0, len(used))
	for k, ms := range used {
		uses = append(uses, &user.SessionUse{UserId: k.user, SessionId: k.session, SeenAtMs: ms})
	}
	for len(uses) > 0 {
		n := min(len(uses), int(common.MAX_BATCH))
		if err := w.touch(ctx, uses[:n]); err != nil {
			w.Log.WarnContext(ctx, "cannot report when sessions were used, trying again", "err", err)
			break
		}
		uses = uses[n:]
	}
	for _, u := range uses {
		w.note(key{u.UserId, u.SessionId}, u.SeenAtMs)
	}
}

func (w *Watch) touch(ctx context.Context, uses []*user.SessionUse) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	_, err := w.User.TouchSessions(ctx, &user.TouchSessionsRequest{Uses: uses})
	return err
}
