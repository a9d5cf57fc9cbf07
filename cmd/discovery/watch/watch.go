// Package watch keeps what users have watched: the views of videos, the histories of users, and the statistics of authors.
//
// What a client tells in one call is one event. It goes through a queue to apply, the only code that adds to what was watched. The queue
// delivers at least once, late and in any order; what is stored ends the same. What it has accepted and not yet delivered is in the history
// of its user all the same (cmd/internal/pending).
package watch

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/dal/cache"
	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/cmd/internal/pending"
	"tiktok/cmd/internal/publishers"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
)

// Deps is what Watches is made of. Everything is needed except Queue, Pending, Log, Metrics and Now; it stays the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	// Queue carries events to apply, which it may call several times at once. Nil: nothing can be added.
	Queue queue.Queue[mq.Event]
	// Pending are the accepted events that are not stored yet. Nil: Queue answers when it has applied.
	Pending *pending.Writes[mq.Event]
	IDs     *id.Generator
	Videos  videoservice.Client
	// Heat adds a finish at a time to a video's heat.
	Heat func(heat float64, atMs int64) float64
	// Changed hears of users whose history has changed, after the commit. Nil: nobody does.
	Changed func(ctx context.Context, userIDs []int64)
	// SessionDays is how long each session is kept. It is at least eight days.
	SessionDays int
	// Log gets a line when the cache fails. Nil: no log.
	Log *slog.Logger
	// Metrics gets the counters. Nil: no metrics.
	Metrics prometheus.Registerer
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// authorTTL bounds how long a process that does not hear of a deletion counts views of a video that is gone.
const authorTTL = time.Minute

// Watches is what users have watched. It is safe for concurrent use.
type Watches struct {
	store   *db.Store
	cache   kv.Store
	queue   queue.Queue[mq.Event]
	pending *pending.Writes[mq.Event]
	ids     *id.Generator
	videos  videoservice.Client
	heat    func(heat float64, atMs int64) float64
	changed func(ctx context.Context, userIDs []int64)
	keep    time.Duration
	log     *slog.Logger
	now     func() time.Time
	metrics
	// views are how often videos were watched, seen what users have watched, authors who published a video.
	views   *kv.LoadingCache[int64, int64]
	seen    *kv.LoadingCache[int64, kv.IDList]
	authors *kv.LoadingCache[int64, int64]
}

// New puts Watches together. It starts nothing: nothing is accepted before Run consumes the queue.
func New(d Deps) *Watches {
	w := &Watches{
		store: d.Store, cache: d.Cache, queue: d.Queue, pending: d.Pending, ids: d.IDs, videos: d.Videos, heat: d.Heat, changed: d.Changed,
		keep: max(time.Duration(d.SessionDays)*day, purgeAge), log: d.Log, now: d.Now, metrics: newMetrics(d.Metrics),
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.now == nil {
		w.now = time.Now
	}
	if w.changed == nil {
		w.changed = func(context.Context, []int64) {}
	}
	w.views = cache.NewViews(d.Cache, d.Log, d.Metrics, w.store.Views)
	w.seen = cache.NewSeen(d.Cache, d.Log, d.Metrics, w.loadSeen)
	// The video service is asked, not the catalogue: that may not know a video yet which was published a moment ago.
	w.authors = publishers.New(d.Cache, d.Videos, authorTTL, d.Log, d.Metrics)
	return w
}

// Pending are the lists of accepted events in s, nil when s has none. A nil log switches that off.
func Pending(s kv.Store, log *slog.Logger) *pending.Writes[mq.Event] {
	return pending.New(s, log, pending.Options[mq.Event]{
		Service: "discovery", List: func(e mq.Event) pending.List { return list(e.UserID) }, ID: func(e mq.Event) int64 { return e.ID },
		Check: mq.Event.Check, Bytes: func(e mq.Event) int { return eventBytes + len(e.Watches)*watchBytes },
	})
}

const (
	// eventBytes is the size of an event without its watches, and watchBytes that of the longest watch.
	eventBytes, watchBytes = 64, 120
)

// list is the list of a user's pending events.
func list(userID int64) pending.List {
	return pending.List{User: userID, Kind: pending.Kind{Name: "pwatches:v1", MostBytes: eventBytes + mq.MaxWatches*watchBytes}}
}

// Run applies queued events and removes what is old, until ctx ends.
func (w *Watches) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if w.queue != nil {
		g.Go(func() error { return w.queue.Consume(ctx, w.apply) })
	}
	g.Go(func() error { w.purge(ctx); return nil })
	return g.Wait()
}
