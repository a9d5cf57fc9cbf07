package webpush

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tiktok/cmd/notice/dal/db"
)

const (
	// maxWaiting bounds what waits to be told, of all users together, about 200 bytes each.
	maxWaiting = 10_000
	// maxUsers is how many users' subscriptions are read at once.
	maxUsers = 500
	// storeTimeout bounds that.
	storeTimeout = 3 * time.Second
)

// key is what is told in one push.
type key struct {
	user int64
	kind string
}

// waiting is what has happened since the last push.
type waiting struct {
	due   time.Time
	count int
	// actor and video are those of all events, 0 when they are not all of one.
	actor, video int64
}

// Tell notes events. It waits for nobody: above a bound they are lost.
func (p *Pusher) Tell(events []Event) {
	if p.off() || len(events) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	for _, e := range events {
		k := key{e.UserID, e.Kind}
		w := p.waiting[k]
		if w == nil {
			if len(p.waiting) >= maxWaiting {
				p.dropped.WithLabelValues("full").Inc()
				continue
			}
			w = &waiting{due: now.Add(p.Gather), actor: e.ActorID, video: e.VideoID}
			if told, ok := p.told[k]; ok && told.Add(p.Pause).After(w.due) {
				w.due = told.Add(p.Pause)
			}
			p.waiting[k] = w
		}
		w.count++
		if w.actor != e.ActorID {
			w.actor = 0
		}
		if w.video != e.VideoID {
			w.video = 0
		}
	}
}

// Forget takes back what a user was not told yet, because they have read it: of these kinds, or of all notices.
func (p *Pusher) Forget(userID int64, names ...string) {
	if p.off() {
		return
	}
	if len(names) == 0 {
		for kind := 1; kind <= kinds; kind++ {
			names = append(names, KindOf(kind))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		delete(p.waiting, key{userID, name})
	}
}

// payload is the body of a push: what the service worker makes its text of. It has no names and no texts, which the push service need not
// know; that it cannot read the body either is the browser's promise.
type payload struct {
	// Kind is message, or that of a notice.
	Kind string `json:"kind"`
	// Count is how many there were since the last push of this kind.
	Count int `json:"count"`
	// UserID is who did it, VideoID what it is about; absent when they are several, or none.
	UserID  int64 `json:"user_id,omitempty"`
	VideoID int64 `json:"video_id,omitempty"`
}

// due takes what is due, of some users.
func (p *Pusher) due() map[key]*waiting {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	taken, users := map[key]*waiting{}, map[int64]bool{}
	for k, w := range p.waiting {
		if w.due.After(now) || len(users) >= maxUsers && !users[k.user] {
			continue
		}
		users[k.user] = true
		taken[k] = w
		delete(p.waiting, k)
	}
	for k, at := range p.told {
		if now.Sub(at) > p.Pause {
			delete(p.told, k)
		}
	}
	for k := range taken {
		p.told[k] = now
	}
	return taken
}

// untold forgets that users were told something: they have no browsers, or do not want to hear of it.
func (p *Pusher) untold(keys []key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range keys {
		delete(p.told, k)
	}
}

// jobs makes what is due into pushes to each browser.
func (p *Pusher) jobs(ctx context.Context) []*job {
	taken := p.due()
	if len(taken) == 0 {
		return nil
	}
	var users []int64
	for k := range taken {
		users = append(users, k.user)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout) // pushes under way wait for this
	defer cancel()
	browsers, muted, err := p.browsers(ctx, users)
	if err != nil {
		p.dropped.WithLabelValues("store").Add(float64(len(taken)))
		p.log.WarnContext(ctx, "cannot read whose browsers to tell, they are not told", "events", len(taken), "err", err)
		return nil
	}
	var jobs []*job
	var untold []key
	for k, w := range taken {
		if len(browsers[k.user]) == 0 || muted[k] {
			untold = append(untold, k)
			continue
		}
		body, err := json.Marshal(payload{k.kind, w.count, w.actor, w.video})
		if err != nil {
			continue // cannot be
		}
		for _, b := range browsers[k.user] {
			jobs = append(jobs, newJob(b, k.kind, body, p.Now()))
		}
	}
	p.untold(untold)
	return jobs
}

// browsers reads the subscriptions of users, without those of sessions that have ended, and what the users with some do not want to hear.
func (p *Pusher) browsers(ctx context.Context, users []int64) (map[int64][]db.Subscription, map[key]bool, error) {
	all, err := p.Store.Subscriptions(ctx, users)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	found, ended := map[int64][]db.Subscription{}, []db.Subscription(nil)
	for _, s := range all {
		if p.sessions.over(s.SessionID) {
			ended = append(ended, s)
			continue
		}
		found[s.UserID] = append(found[s.UserID], s)
	}
	if len(ended) > 0 {
		if err := p.Store.RemoveSubscriptions(ctx, ended); err != nil {
			return nil, nil, err
		}
	}
	with := make([]int64, 0, len(found))
	for u := range found {
		with = append(with, u)
	}
	muted, err := p.muted(ctx, with)
	return found, muted, err
}

// muted reads which kinds users do not want.
func (p *Pusher) muted(ctx context.Context, users []int64) (map[key]bool, error) {
	readers, err := p.Store.Readers(ctx, users)
	if err != nil {
		return nil, err
	}
	muted := map[key]bool{}
	for u, r := range readers {
		for kind := 1; kind <= kinds; kind++ {
			if r.Mutes(kind) {
				muted[key{u, KindOf(kind)}] = true
			}
		}
	}
	return muted, nil
}
