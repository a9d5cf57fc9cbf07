// Package follow keeps an index up with the catalogue: it reads what has changed and applies it, builds an index when there is none, and
// does what the command `tiktok index` asks for.
package follow

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/pkg/lifecycle"
)

const (
	// poll is how often the catalogue is asked for changes when nobody wakes the follower.
	poll = 250 * time.Millisecond
	// pollJobs is how often it is asked for jobs.
	pollJobs = time.Second
	// Alive is how often a process says that it is alive. One that has not for three times as long is taken for dead.
	Alive = 5 * time.Second
	// rest is how long the follower waits after an error, at first and at most.
	rest, restMost = 500 * time.Millisecond, 15 * time.Second
	// batch is how many rows of each table are read at once.
	batch = index.MaxBatch
)

// Deps is what a follower works with. All fields but Lead are needed.
type Deps struct {
	Store  *db.Store
	Engine index.Engine
	// Replica names the process, at most 64 characters.
	Replica string
	// Lead tells whether this process is the one of all that writes to an engine which they share. It is asked often, also during long
	// work, and keeps what it has taken. Nil: the engine is this process's own.
	Lead func(ctx context.Context) (bool, error)
	Log  *slog.Logger
	Reg  prometheus.Registerer
	// Now is the clock of reports.
	Now func() time.Time
}

// Follower keeps one index. Only Wake may be called while Run runs.
type Follower struct {
	Deps
	metrics metrics
	wake    chan struct{}

	// lastJob is the newest job that was there when the follower began, or that it has done.
	lastJob int64
	// behind is since when the index lacks changes; zero: it does not.
	behind time.Time
	// saidAlive is when the process said last that it is alive.
	saidAlive time.Time
	// caughtUp is when catchUp has ended last.
	caughtUp time.Time
	// knowsAll: the index was not away for so long that the catalogue has forgotten what it lacks.
	knowsAll bool
	// pos is the position that was seen last.
	pos atomic.Int64
}

// New returns a follower. It starts nothing.
func New(d Deps) *Follower {
	return &Follower{Deps: d, metrics: newMetrics(d.Reg), wake: make(chan struct{}, 1)}
}

// Wake says that the catalogue has changed. It never waits.
func (f *Follower) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends. Whatever fails is tried again.
func (f *Follower) Run(ctx context.Context) error {
	f.begin(ctx)
	defer f.end(ctx)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	wait := rest
	var jobsAt time.Time
	for {
		err := f.step(ctx)
		if now := time.Now(); err == nil && now.Sub(jobsAt) >= pollJobs {
			jobsAt = now
			err = f.jobs(ctx)
		}
		if err == nil {
			err = f.alive(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			f.Log.Warn("index does not follow", "error", err, "again_in", wait)
			f.metrics.failures.Inc()
			if !lifecycle.Pause(ctx, wait) {
				return nil
			}
			wait = min(2*wait, restMost)
			continue
		}
		wait = rest
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-f.wake:
		}
	}
}

// leads tells whether this process writes to the engine.
func (f *Follower) leads(ctx context.Context) (bool, error) {
	if f.Lead == nil {
		return true, nil
	}
	return f.Lead(ctx)
}

// step applies what has changed, or builds an index when there is none.
func (f *Follower) step(ctx context.Context) error {
	leads, err := f.leads(ctx)
	if err != nil {
		return err
	}
	position, err := f.Engine.Position(ctx)
	switch {
	case errors.Is(err, index.ErrNoIndex):
		f.metrics.positionless()
		if !leads {
			return nil
		}
		f.Log.Warn("there is no index: it is built", "reason", err)
		return f.rebuild(ctx, "lost", nil)
	case err != nil:
		return err
	}
	f.pos.Store(position)
	if !leads {
		return f.lag(ctx, position)
	}
	if !f.knowsAll {
		p, err := f.Store.PurgePosition(ctx)
		if err != nil {
			return err
		}
		if position < p.RemovedSeq {
			f.Log.Warn("the catalogue has forgotten what the index lacks: it is built again", "position", position)
			if err := f.rebuild(ctx, "outdated", nil); err != nil {
				return err
			}
			f.knowsAll = true
			return nil
		}
		f.knowsAll = true // from here on it follows, and what it lacks stays for weeks
	}
	if err := f.catchUp(ctx, position); !errors.Is(err, errAhead) {
		return err
	}
	f.Log.Warn("the index is ahead of the catalogue: it is built again", "position", position)
	return f.rebuild(ctx, "ahead", nil)
}

// errAhead says that the catalogue is another one, e.g. from a backup: the index has what it never had.
var errAhead = errors.New("the index is ahead of the catalogue")

// meanwhile follows during long work, so that the index which serves stays new.
func (f *Follower) meanwhile(ctx context.Context) {
	if time.Since(f.caughtUp) < poll {
		return
	}
	position, err := f.Engine.Position(ctx)
	if err == nil {
		err = f.catchUp(ctx, position)
	}
	if err == nil || errors.Is(err, index.ErrNoIndex) {
		err = f.alive(ctx)
	}
	if err != nil && !errors.Is(err, index.ErrNoIndex) && !errors.Is(err, errAhead) {
		f.Log.Warn("index does not follow during other work", "error", err)
	}
}

// catchUp applies all changes behind a position.
func (f *Follower) catchUp(ctx context.Context, position int64) error {
	defer func() { f.caughtUp = time.Now() }()
	for {
		changes, upTo, err := f.Store.CatalogueSince(ctx, position, batch)
		if err != nil {
			return err
		}
		if upTo < position {
			return errAhead
		}
		if !f.lacks(upTo - position) {
			return nil
		}
		if err := f.apply(ctx, docsOf(changes), position, upTo); err != nil {
			return err
		}
		position = upTo
		f.pos.Store(position)
		if leads, err := f.leads(ctx); err != nil || !leads {
			return err
		}
	}
}

// apply applies documents in batches. A position is reached with the last document that has its number.
func (f *Follower) apply(ctx context.Context, docs []index.Doc, position, upTo int64) error {
	for len(docs) > index.MaxBatch {
		part := docs[:index.MaxBatch]
		docs = docs[index.MaxBatch:]
		position = max(position, part[len(part)-1].Version-1)
		if err := f.Engine.Apply(ctx, part, position); err != nil {
			return err
		}
		f.metrics.applied.Add(float64(len(part)))
	}
	if err := f.Engine.Apply(ctx, docs, upTo); err != nil {
		return err
	}
	f.metrics.applied.Add(float64(len(docs)))
	return nil
}

// lag tells how far an index that another process writes is behind.
func (f *Follower) lag(ctx context.Context, position int64) error {
	seq, err := f.Store.CatalogueSeq(ctx)
	if err != nil {
		return err
	}
	f.lacks(seq - position)
	return nil
}

// lacks notes how many changes the index lacks, and reports whether there are any.
func (f *Follower) lacks(changes int64) bool {
	if changes <= 0 {
		f.behind = time.Time{}
		f.metrics.lag(0, 0)
		return false
	}
	if f.behind.IsZero() {
		f.behind = time.Now()
	}
	f.metrics.lag(changes, time.Since(f.behind))
	return true
}

// docsOf are the documents of rows, in the order of their versions.
func docsOf(c db.CatalogueChanges) []index.Doc {
	docs := make([]index.Doc, 0, len(c.Videos)+len(c.Users)+len(c.Tags))
	for _, v := range c.Videos {
		docs = append(docs, videoDoc(v))
	}
	for _, u := range c.Users {
		docs = append(docs, userDoc(u))
	}
	for _, t := range c.Tags {
		docs = append(docs, tagDoc(t))
	}
	slices.SortStableFunc(docs, func(a, b index.Doc) int { return cmp.Compare(a.Version, b.Version) })
	return docs
}

func videoDoc(v db.IndexVideo) index.Doc {
	return index.Doc{
		Kind: index.Videos, ID: v.ID, Version: v.ChangedSeq, Gone: v.GoneMs != 0,
		Title: v.Title, Tags: strings.Fields(v.Tags), AuthorID: v.AuthorID, AuthorNames: names(v.AuthorName, v.AuthorShownName),
		PublishedMs: v.PublishedMs, Rank: index.VideoRank(v.PublishedMs, v.Likes+v.Views),
	}
}

func userDoc(u db.User) index.Doc {
	return index.Doc{
		Kind: index.Users, ID: u.ID, Version: u.ChangedSeq, Gone: u.GoneMs != 0,
		Names: names(u.Name, u.ShownName), Rank: index.PopularityRank(u.Followers),
	}
}

func tagDoc(t db.Tag) index.Doc {
	return index.Doc{Kind: index.Tags, Tag: t.Tag, Version: t.ChangedSeq, Gone: t.Videos <= 0, Rank: index.PopularityRank(t.Videos)}
}

// names are the different ones that are not empty.
func names(all ...string) []string {
	var out []string
	for _, n := range all {
		if n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}
