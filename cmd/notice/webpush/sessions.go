package webpush

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tiktok/cmd/internal/revocations"
	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/id"
)

// sessions knows which sessions have ended, about 50 bytes each, and removes their subscriptions.
type sessions struct {
	store *db.Store
	log   *slog.Logger
	ttl   time.Duration
	now   func() time.Time

	mu    sync.RWMutex
	ended map[int64]int64 // when, in milliseconds

	// These are run's goroutine's.
	follower revocations.Follower
	failed   bool
	remove   []*user.Revocation // their subscriptions are still there
}

// over reports whether a session has ended: by its user, or by its age.
func (s *sessions) over(session int64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ended := s.ended[session]
	return ended || s.now().Sub(id.Time(session)) > s.ttl
}

// run asks until ctx ends.
func (s *sessions) run(ctx context.Context) {
	tick := time.NewTicker(revocations.Every)
	defer tick.Stop()
	for {
		if err := s.poll(ctx); err != nil && ctx.Err() == nil {
			if !s.failed { // the gateways say it each second
				s.log.WarnContext(ctx, "cannot learn which sessions have ended, trying again", "err", err)
			}
			s.failed = true
		} else {
			s.failed = false
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// poll reads what has ended since the last poll, page by page. A page that could not be applied comes again.
func (s *sessions) poll(ctx context.Context) error {
	return s.follower.Read(ctx, func(page []*user.Revocation) error { return s.end(ctx, page) })
}

// end notes sessions, and then removes their subscriptions: who subscribes meanwhile looks after storing. After an error the next call
// removes them, too.
func (s *sessions) end(ctx context.Context, page []*user.Revocation) error {
	s.note(page)
	for len(s.remove) > 0 {
		n := min(len(s.remove), int(common.MAX_BATCH))
		userIDs, sessionIDs := make([]int64, n), make([]int64, n)
		for i, r := range s.remove[:n] {
			userIDs[i], sessionIDs[i] = r.UserId, r.SessionId
		}
		if err := s.store.EndSessions(ctx, userIDs, sessionIDs); err != nil {
			return err
		}
		s.remove = s.remove[n:]
	}
	s.remove = nil
	return nil
}

func (s *sessions) note(page []*user.Revocation) {
	oldest, added := s.now().Add(-s.ttl-revocations.TTLMargin).UnixMilli(), false
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range page {
		if _, known := s.ended[r.SessionId]; !known && r.SessionId > 0 { // 0: tokens without a session cannot subscribe
			s.ended[r.SessionId], added = r.RevokedAtMs, true
			s.remove = append(s.remove, r)
		}
	}
	for session, ms := range s.ended {
		if !added {
			break
		}
		if ms < oldest {
			delete(s.ended, session)
		}
	}
}
