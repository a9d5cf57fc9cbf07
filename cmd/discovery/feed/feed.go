// Package feed makes the pages of feeds. Package recommend ranks; what is ranked is read from the catalogue and from what was watched,
// mostly through caches; how far a viewer has scrolled is kept in the cache.
//
//   - For you: a run is a ranked list for one viewer, kept in the cache, of which pages are cut. What a run has shown is remembered, and is
//     left out of the next, as is what the viewer has watched. Without the cache there are no runs: then the feed is the newest videos.
//   - Hot, and For you of visitors: a shelf is a list for everybody, made anew every few seconds. A page names its shelf, so that the next
//     one is cut from the same.
//   - Following: read from the catalogue, for those who follow many from their timeline.
package feed

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/recommend"
	"tiktok/cmd/discovery/visible"
	"tiktok/config"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/logx"
	"tiktok/pkg/paging"
)

// Deps is what Feeds are made of. Everything is needed; it stays the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	// Visible says what a viewer may see.
	Visible visible.Filter
	// Seen reads the videos that users have watched, those that were watched last, in ascending order. Who has none may be missing.
	Seen     func(ctx context.Context, userIDs []int64) (map[int64][]int64, error)
	Settings config.Feeds
	// HalfLife is that of heat.
	HalfLife time.Duration
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Now      func() time.Time
}

// Feeds makes pages of feeds. It is safe for concurrent use.
type Feeds struct {
	Deps
	pools   *kv.LoadingCache[int64, *recommend.Pool]
	shelves *kv.LoadingCache[shelfKey, run]
	tastes  *kv.LoadingCache[int64, taste]
	related *kv.LoadingCache[int64, similar]
	// What tastes are made of: videos, what users liked last, and the newest videos with tags and of authors.
	videos *kv.LoadingCache[int64, recommend.Video]
	likes  *kv.LoadingCache[int64, []int64]
	tagged *kv.LoadingCache[string, []int64]
	works  *kv.LoadingCache[int64, []db.Place]
	// last is the last pool, for when none can be read.
	last  atomic.Pointer[recommend.Pool]
	pages *prometheus.CounterVec
	// unusual is for what every page would write while something is away.
	unusual *slog.Logger
}

// New puts Feeds together. It starts nothing.
func New(d Deps) *Feeds {
	f := &Feeds{Deps: d, unusual: logx.Sample(d.Log, nil), pages: promauto.With(d.Metrics).NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_discovery_feed_pages_total",
		Help: "Pages of feeds, by feed and by what they are from: ranked (a new run), run, shelf, newest (without the cache), pull, timeline.",
	}, []string{"feed", "from"})}
	f.newCaches()
	return f
}

// Run keeps timelines up until ctx ends, in one process at a time.
func (f *Feeds) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { f.runFanout(ctx); return nil })
	g.Go(func() error { f.runTrending(ctx); return nil })
	return g.Wait()
}

// want is one query and its answer.
type want struct {
	feed   discovery.Feed
	viewer int64
	limit  int
	// cursor is what the query's says: nil at the beginning.
	cursor []int64
	answer discovery.FeedAnswer
}

// Recommend answers all queries. It costs as many round trips to the cache and statements for many as for one, but for a first read of
// timelines.
func (f *Feeds) Recommend(ctx context.Context, queries []*discovery.FeedQuery) ([]*discovery.FeedAnswer, error) {
	if len(queries) == 0 || len(queries) > discovery.MAX_FEED_QUERIES {
		return nil, errno.InvalidArgument.With("1 to 100 queries in one call")
	}
	wants := make([]*want, len(queries))
	var mine, shared, following []*want
	for i, q := range queries {
		w, err := wanted(q)
		if err != nil {
			return nil, err
		}
		wants[i] = w
		switch {
		case w.answer.BadCursor:
		case w.feed == discovery.Feed_HOT || w.feed == discovery.Feed_FOR_YOU && w.viewer == 0:
			shared = append(shared, w)
		case w.feed == discovery.Feed_FOR_YOU:
			mine = append(mine, w)
		case w.viewer != 0:
			following = append(following, w)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	if len(mine) > 0 {
		g.Go(func() error { return f.forYou(gctx, mine) })
	}
	if len(shared) > 0 {
		g.Go(func() error { return f.fromShelves(gctx, shared) })
	}
	if len(following) > 0 {
		g.Go(func() error { return f.following(gctx, following) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	answers := make([]*discovery.FeedAnswer, len(wants))
	for i, w := range wants {
		answers[i] = &w.answer
	}
	return answers, nil
}

// wanted checks a query.
func wanted(q *discovery.FeedQuery) (*want, error) {
	if q == nil || q.ViewerId < 0 {
		return nil, errno.InvalidArgument.With("a query needs a viewer")
	}
	limit, err := paging.Limit(q.Limit, defaultLimit, maxLimit)
	if err != nil {
		return nil, err
	}
	w := &want{feed: q.Feed, viewer: q.ViewerId, limit: limit}
	switch w.feed {
	case discovery.Feed_FOR_YOU, discovery.Feed_FOLLOWING, discovery.Feed_HOT:
	default:
		return nil, errno.InvalidArgument.With("there is no such feed")
	}
	if q.Cursor == "" {
		return w, nil
	}
	if w.cursor, err = paging.Numbers(q.Cursor, 2); err != nil {
		if w.cursor, err = paging.Numbers(q.Cursor, 3); err != nil || w.feed != discovery.Feed_FOR_YOU || w.viewer == 0 || w.cursor[0] != 0 {
			w.answer.BadCursor = true
		}
	}
	return w, nil
}

// defaultLimit is the size of a page that does not say it, maxLimit the greatest.
const defaultLimit, maxLimit = 30, 100

// show makes the answer of items, without those that the viewer may not see.
func (f *Feeds) show(ctx context.Context, w *want, from string, items []recommend.Item) error {
	refs := make([]visible.Ref, len(items))
	for i, it := range items {
		refs[i] = visible.Ref{VideoID: it.ID, AuthorID: it.AuthorID}
	}
	seen, err := f.Visible.Videos(ctx, w.viewer, refs)
	if err != nil {
		return fmt.Errorf("leave out what %d may not see: %w", w.viewer, err)
	}
	shown := make([]discovery.Recommended, 0, len(seen))
	w.answer.Videos = make([]*discovery.Recommended, 0, len(seen))
	for _, it := range items {
		if len(seen) == 0 {
			break
		}
		if seen[0].VideoID != it.ID {
			continue
		}
		seen = seen[1:]
		shown = append(shown, discovery.Recommended{
			VideoId: it.ID, Reason: discovery.Reason(it.Reason), BecauseOfVideoId: it.Because, Tag: it.Tag,
		})
		w.answer.Videos = append(w.answer.Videos, &shown[len(shown)-1])
	}
	f.pages.WithLabelValues(w.feed.String(), from).Inc()
	return nil
}
