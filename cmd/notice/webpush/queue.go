package webpush

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tiktok/cmd/notice/dal/db"
	"tiktok/pkg/webpush"
)

const (
	// lookEvery is how often what waits is looked at.
	lookEvery = 250 * time.Millisecond
	// maxQueued bounds the pushes that wait for a push service, or for another attempt, maxOrigin those for one push service.
	maxQueued = 10_000
	maxOrigin = maxQueued / 2
	// workers is how many pushes are under way at once, perOrigin how many to one push service, perUser how many for one user: whose
	// push service is slow waits alone.
	workers   = 32
	perOrigin = 16
	perUser   = 4
	// attempts is how often a push is tried, maxAge for how long.
	attempts = 4
	maxAge   = 30 * time.Minute
	// patience is how many failures of a push service in a row let all its pushes wait.
	patience = 3
	maxPause = 5 * time.Minute
)

// job is one push to one browser.
type job struct {
	sub    db.Subscription
	push   webpush.Push
	origin string
	began  time.Time
	due    time.Time
	tries  int
	err    error // of the last attempt
}

func newJob(sub db.Subscription, kind string, body []byte, now time.Time) *job {
	low := kind == "like" || kind == "follow" || kind == "comment_like"
	return &job{sub: sub, push: webpush.Push{Body: body, Topic: kind, Low: low}, origin: webpush.Origin(sub.Endpoint), began: now, due: now}
}

// origin is a push service.
type origin struct {
	queued, active int
	failures       int       // in a row
	until          time.Time // it is left alone
}

// queue holds pushes and sends them, as long as run runs. Only run's goroutine touches it.
type queue struct {
	*Pusher
	jobs    []*job
	origins map[string]*origin
	users   map[int64]int // pushes under way
	active  int
	done    chan *job
}

func newQueue(p *Pusher) *queue {
	return &queue{Pusher: p, origins: map[string]*origin{}, users: map[int64]int{}, done: make(chan *job, workers)}
}

// run sends what is due until ctx ends.
func (q *queue) run(ctx context.Context) {
	var sending sync.WaitGroup
	defer sending.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			q.add(q.Pusher.jobs(ctx))
		case j := <-q.done:
			q.finish(ctx, j)
		}
		q.start(ctx, &sending)
		q.queued.Set(float64(len(q.jobs)))
	}
}

func (q *queue) origin(name string) *origin {
	o := q.origins[name]
	if o == nil {
		o = &origin{}
		q.origins[name] = o
	}
	return o
}

func (q *queue) add(jobs []*job) {
	for _, j := range jobs {
		o := q.origin(j.origin)
		if len(q.jobs) >= maxQueued || o.queued >= maxOrigin {
			q.dropped.WithLabelValues("full").Inc()
			continue
		}
		o.queued++
		q.jobs = append(q.jobs, j)
	}
	now := q.Now()
	for name, o := range q.origins { // those that nothing is known of any more
		if o.queued == 0 && o.active == 0 && now.Sub(o.until) > maxPause {
			delete(q.origins, name)
		}
	}
}

// start begins the pushes that are due, as far as the bounds allow.
func (q *queue) start(ctx context.Context, sending *sync.WaitGroup) {
	now := q.Now()
	q.jobs = slices.DeleteFunc(q.jobs, func(j *job) bool {
		o := q.origin(j.origin)
		limit := perOrigin
		if o.failures >= patience {
			limit = 1 // one finds out whether it works again
		}
		if q.active >= workers || j.due.After(now) || o.until.After(now) || o.active >= limit || q.users[j.sub.UserID] >= perUser {
			return false
		}
		o.queued--
		o.active++
		q.active++
		q.users[j.sub.UserID]++
		sending.Go(func() {
			j.err = q.send(ctx, j)
			q.done <- j // never full: it has room for all workers
		})
		return true
	})
}

func (q *queue) send(ctx context.Context, j *job) error {
	if q.sessions.over(j.sub.SessionID) {
		return webpush.ErrGone
	}
	return q.Sender.Send(ctx, webpush.Subscription{Endpoint: j.sub.Endpoint, P256dh: j.sub.P256dh, Auth: j.sub.Auth}, j.push)
}

// finish looks at how an attempt ended.
func (q *queue) finish(ctx context.Context, j *job) {
	o := q.origin(j.origin)
	o.active--
	q.active--
	if q.users[j.sub.UserID]--; q.users[j.sub.UserID] == 0 {
		delete(q.users, j.sub.UserID)
	}
	if ctx.Err() != nil {
		return
	}
	var later *webpush.RetryError
	switch {
	case j.err == nil:
		q.sends.WithLabelValues("ok").Inc()
	case errors.Is(j.err, webpush.ErrGone):
		q.sends.WithLabelValues("gone").Inc()
		if err := q.Store.RemoveSubscriptions(ctx, []db.Subscription{j.sub}); err != nil {
			q.log.WarnContext(ctx, "a subscription that has ended stays until the next push", "user", j.sub.UserID, "err", err)
		}
	case errors.As(j.err, &later):
		q.again(ctx, j, o, later)
		return
	default:
		q.sends.WithLabelValues("refused").Inc()
		q.log.InfoContext(ctx, "a push was refused", "user", j.sub.UserID, "origin", j.origin, "err", j.err)
	}
	o.failures, o.until = 0, time.Time{}
}

// again lets a push wait for another attempt, or gives it up.
func (q *queue) again(ctx context.Context, j *job, o *origin, why *webpush.RetryError) {
	now := q.Now()
	if !why.Limited {
		if o.failures++; o.failures >= patience {
			o.until = now.Add(min(q.Retry<<min(o.failures-patience, 10), maxPause))
		}
	}
	j.tries++
	j.due = now.Add(max(why.After, q.Retry<<(2*(j.tries-1))))
	if j.tries >= attempts || j.due.Sub(j.began) > maxAge {
		q.sends.WithLabelValues("failed").Inc()
		q.log.InfoContext(ctx, "a push was given up", "user", j.sub.UserID, "origin", j.origin, "err", why)
		return
	}
	q.sends.WithLabelValues("later").Inc()
	o.queued++
	q.jobs = append(q.jobs, j)
}
