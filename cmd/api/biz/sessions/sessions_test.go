package sessions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudwego/kitex/client/callopt"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
)

// fake is a user service with a list of revocations in pages, which notes what it is told. Its cursors are indexes.
type fake struct {
	userservice.Client // nil: nothing else is called

	mu      sync.Mutex
	revoked []*user.Revocation
	limit   int
	err     error
	calls   int
	uses    [][]*user.SessionUse
}

func (f *fake) ListRevoked(_ context.Context, r *user.ListRevokedRequest, _ ...callopt.Option) (*user.ListRevokedResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	from := 0
	if r.Cursor != "" {
		if _, err := fmt.Sscan(r.Cursor, &from); err != nil {
			return nil, errno.InvalidArgument
		}
	}
	end := min(from+f.limit, len(f.revoked))
	return &user.ListRevokedResponse{Revocations: f.revoked[from:end], NextCursor: fmt.Sprint(end), More: end < len(f.revoked)}, nil
}

func (f *fake) TouchSessions(_ context.Context, r *user.TouchSessionsRequest, _ ...callopt.Option) (*user.TouchSessionsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	f.uses = append(f.uses, slices.Clone(r.Uses))
	return &user.TouchSessionsResponse{}, nil
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) revoke(session int64) {
	f.set(func() {
		f.revoked = append(f.revoked, &user.Revocation{UserId: 1, SessionId: session, RevokedAtMs: time.Now().UnixMilli()})
	})
}

const ttl = 24 * time.Hour

// start runs a Watch in a bubble of synctest until the test ends.
func start(t *testing.T, f *fake) *Watch {
	t.Helper()
	w := New(Deps{User: f, TTL: ttl, Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(t.Context())
	w.Load(ctx)
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// after lets time pass, and what happens then.
func after(d time.Duration) {
	<-time.After(d) // of the bubble: no time passes outside
	synctest.Wait()
}

func want(t *testing.T, w *Watch, session int64, target *errno.Error) {
	t.Helper()
	err := w.Check(1, session)
	if target == nil && err != nil || target != nil && !errors.Is(err, target) {
		t.Errorf("session %d: %v, want %v", session, err, target)
	}
	if known := w.Revoked(1, session); known != (target == errno.Unauthenticated) {
		t.Errorf("session %d is revoked: %v", session, known)
	}
}

func TestRevokedWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 2}
		for i := range int64(5) {
			f.revoke(10 + i)
		}
		w := start(t, f)
		for i := range int64(5) { // all pages, before anything is served
			want(t, w, 10+i, errno.Unauthenticated)
		}
		for _, session := range []int64{0, 20, 21} {
			want(t, w, session, nil)
		}
		f.revoke(20)
		f.revoke(0)
		after(2 * time.Second)
		want(t, w, 20, errno.Unauthenticated)
		want(t, w, 0, errno.Unauthenticated)
		want(t, w, 21, nil)
		if err := w.Check(2, 20); err != nil {
			t.Errorf("of somebody else: %v", err)
		}
		w.Add([]*user.Revocation{{UserId: 1, SessionId: 21, RevokedAtMs: time.Now().UnixMilli()}})
		want(t, w, 21, errno.Unauthenticated) // at once
	})
}

// While the user service is away nobody is taken for logged in whose session may be revoked; later what is known stays.
func TestUserServiceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 10, err: errno.Unavailable}
		f.revoke(10)
		w := start(t, f)
		want(t, w, 10, errno.Unavailable)
		want(t, w, 20, errno.Unavailable)
		if w.Ready(t.Context()) == nil {
			t.Error("ready")
		}
		f.set(func() { f.err = nil })
		after(2 * time.Second)
		want(t, w, 10, errno.Unauthenticated)
		want(t, w, 20, nil)
		if err := w.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		f.set(func() { f.err = errors.New("away") })
		after(time.Minute)
		want(t, w, 10, errno.Unauthenticated)
		want(t, w, 20, nil)
		if age := w.age(); age < 59 || age > 62 {
			t.Errorf("age %v s", age)
		}
		f.set(func() { f.err = nil })
		f.revoke(20)
		after(2 * time.Second)
		want(t, w, 20, errno.Unauthenticated)
	})
}

func TestACursorOfAnotherVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 10}
		w := start(t, f)
		w.polling.Lock()
		w.follower.Cursor = "strange"
		w.polling.Unlock()
		f.revoke(10)
		after(3 * time.Second)
		want(t, w, 10, errno.Unauthenticated)
	})
}

// Memory is bounded by the tokens' lifetime.
func TestRevocationsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 1000}
		w := start(t, f)
		for i := range int64(500) {
			f.revoke(10 + i)
		}
		after(12 * time.Hour)
		f.revoke(9)
		f.revoke(10) // again
		after(ttl - 11*time.Hour - time.Minute)
		want(t, w, 11, errno.Unauthenticated)
		after(3 * time.Minute)
		want(t, w, 11, nil)
		want(t, w, 10, errno.Unauthenticated)
		want(t, w, 9, errno.Unauthenticated)
		if len(w.revoked) != 2 || len(w.order) != 2 {
			t.Errorf("%d are known, %d in order", len(w.revoked), len(w.order))
		}
	})
}

func TestUsesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 10}
		w := start(t, f)
		began := time.Now().UnixMilli()
		const many = 2500
		for range 3 {
			for i := range int64(many) {
				want(t, w, i, nil) // 0 is no session
			}
		}
		after(sendEvery)
		sent := map[int64]int{}
		f.set(func() {
			for _, batch := range f.uses {
				if len(batch) > int(common.MAX_BATCH) {
					t.Errorf("a batch of %d", len(batch))
				}
				for _, u := range batch {
					sent[u.SessionId]++
					if u.UserId != 1 || u.SeenAtMs != began || sent[u.SessionId] > 1 {
						t.Errorf("sent %v", u)
					}
				}
			}
			if len(sent) != many-1 || len(f.uses) != 3 {
				t.Errorf("%d sessions in %d calls", len(sent), len(f.uses))
			}
			f.uses, f.err = nil, errno.Unavailable
		})
		want(t, w, 5, nil)
		after(sendEvery)
		f.set(func() { f.err = nil })
		want(t, w, 6, nil)
		after(sendEvery)
		f.set(func() {
			if len(f.uses) != 1 || len(f.uses[0]) != 2 {
				t.Errorf("after a failure: %v", f.uses)
			}
			f.uses = nil
		})
		after(10 * sendEvery)
		f.set(func() {
			if len(f.uses) != 0 {
				t.Errorf("nothing was used: %v", f.uses)
			}
		})
		for i := range int64(2 * maxUses) {
			_ = w.Check(1, 1+i)
		}
		if len(w.used) != maxUses {
			t.Errorf("%d uses are held", len(w.used))
		}
	})
}

// The last uses are reported when the gateway stops.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 10}
		w := New(Deps{User: f, TTL: ttl, Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
		ctx, cancel := context.WithCancel(t.Context())
		w.Load(ctx)
		want(t, w, 5, nil)
		cancel()
		w.Run(ctx)
		if len(f.uses) != 1 || f.uses[0][0].SessionId != 5 {
			t.Errorf("reported %v", f.uses)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	f := &fake{limit: 1000}
	w := New(Deps{User: f, TTL: ttl, Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
	for i := range int64(100_000) {
		f.revoked = append(f.revoked, &user.Revocation{UserId: i, SessionId: i, RevokedAtMs: time.Now().UnixMilli()})
	}
	w.Load(b.Context())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := int64(0); pb.Next(); i++ {
			if err := w.Check(1, 200_000+i%10_000); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Revoked reports whether a session, or with 0 all tokens of the user without one, is known to be revoked.
func (w *Watch) Revoked(userID, sessionID int64) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	_, revoked := w.revoked[key{userID, sessionID}]
	return revoked
}
