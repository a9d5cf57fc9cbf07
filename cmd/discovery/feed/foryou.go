package feed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/recommend"
	"tiktok/pkg/kv"
	"tiktok/pkg/paging"
)

// patience bounds how long what is known of viewers is waited for: without it the feed is that of a new user.
const patience = 500 * time.Millisecond

func runKey(viewerID int64) string {
	return "tt:discovery:run:v1:{" + strconv.FormatInt(viewerID, 10) + "}"
}

func reachKey(viewerID int64) string {
	return "tt:discovery:reach:v1:{" + strconv.FormatInt(viewerID, 10) + "}"
}

// changedKey is the key of when the viewer's taste last changed, if that is not long ago.
func changedKey(viewerID int64) string {
	return "tt:discovery:changed:v1:{" + strconv.FormatInt(viewerID, 10) + "}"
}

func shownKey(viewerID int64) string {
	return "tt:discovery:shown:v1:{" + strconv.FormatInt(viewerID, 10) + "}"
}

// session is what the cache knows of a viewer's scrolling.
type session struct {
	*want
	run   run
	reach reach
	shown shown
	// changedMs is when the viewer's taste last changed; 0: long ago.
	changedMs int64
}

// forYou answers queries of members. A page of a run costs one read of the cache and one write for all queries together; a new run one more
// read for what was shown, and what is known of the viewers, which mostly is cached.
func (f *Feeds) forYou(ctx context.Context, wants []*want) error {
	pool, err := f.pool(ctx)
	if err != nil {
		return err
	}
	var sessions []*session
	for _, w := range wants {
		if len(w.cursor) == 3 {
			if err := f.newest(ctx, pool, w, w.cursor[1], w.cursor[2]); err != nil {
				return err
			}
			continue
		}
		sessions = append(sessions, &session{want: w})
	}
	if len(sessions) == 0 {
		return nil
	}
	if err := f.readSessions(ctx, sessions); err != nil {
		f.unusual.WarnContext(ctx, "feeds go without their cache", "err", err)
		for _, s := range sessions {
			if err := f.newest(ctx, pool, s.want, 1<<62, 1<<62); err != nil {
				return err
			}
		}
		return nil
	}
	items := make([]kv.Item, 0, len(sessions))
	var anew []*session
	oldest := f.Now().Add(-f.Settings.RerankAfter).UnixMilli()
	for _, s := range sessions {
		at, ok := s.goesOn(oldest)
		if !ok {
			anew = append(anew, s)
			continue
		}
		if err := f.cutRun(ctx, s, "run", at); err != nil {
			return err
		}
		items = append(items, f.item(reachKey(s.viewer), s.reach.bytes()))
	}
	more, err := f.rankAnew(ctx, pool, anew)
	if err != nil {
		return err
	}
	if items = append(items, more...); len(items) > 0 {
		if err := f.Cache.Set(ctx, items); err != nil { // the next page begins anew
			f.unusual.WarnContext(ctx, "feeds do not remember what they have shown", "err", err)
		}
	}
	return nil
}

func (f *Feeds) item(key string, value []byte) kv.Item {
	return kv.Item{Key: key, Value: value, TTL: f.Settings.ShownFor}
}

// newest answers with the newest videos of the pool.
func (f *Feeds) newest(ctx context.Context, pool *recommend.Pool, w *want, beforeMs, beforeID int64) error {
	items := pool.Newest(beforeMs, beforeID, w.limit)
	if n := len(items); n == w.limit {
		w.answer.NextCursor = paging.Cursor(0, items[n-1].PublishedMs, items[n-1].ID)
	}
	return f.show(ctx, w, "newest", items)
}

// goesOn is the place in the run from which the query is answered, if it is young and long enough. Who begins anew, and whose taste is the
// same, is shown what comes after all that was shown of it.
func (s *session) goesOn(oldestMs int64) (at int, ok bool) {
	if s.run.id == 0 || s.run.madeMs < oldestMs {
		return 0, false
	}
	if s.cursor == nil {
		return s.reach.at, s.run.madeMs > s.changedMs && s.reach.run == s.run.id && s.reach.at+s.limit <= s.run.len()
	}
	return int(s.cursor[1]), s.cursor[0] == s.run.id && s.cursor[1] < int64(s.run.len())
}

// readSessions reads what the cache knows, in one read.
func (f *Feeds) readSessions(ctx context.Context, sessions []*session) error {
	keys := make([]string, 0, 3*len(sessions))
	for _, s := range sessions {
		if keys = append(keys, runKey(s.viewer), reachKey(s.viewer)); s.cursor == nil {
			keys = append(keys, changedKey(s.viewer))
		}
	}
	values, err := f.Cache.MGet(ctx, keys)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		s.run, _ = readRun(values[0]) // the zero value is no run
		s.reach = readReach(values[1])
		if values = values[2:]; s.cursor == nil {
			changed, _, _ := kv.ReadUvarint(values[0]) // none: 0
			s.changedMs, values = int64(changed), values[1:]
		}
	}
	return nil
}

// cutRun answers with the items of the run from a place on.
func (f *Feeds) cutRun(ctx context.Context, s *session, from string, at int) error {
	items, next := s.run.page(at, s.limit)
	if len(items) > 0 {
		s.answer.NextCursor = paging.Cursor(s.run.id, int64(next))
	}
	if s.reach.run != s.run.id || s.reach.at < next {
		s.reach = reach{run: s.run.id, at: next}
	}
	return f.show(ctx, s.want, from, items)
}

// rankAnew answers with new runs, and returns what is to be kept of them.
func (f *Feeds) rankAnew(ctx context.Context, pool *recommend.Pool, sessions []*session) ([]kv.Item, error) {
	if len(sessions) == 0 {
		return nil, nil
	}
	f.readShown(ctx, sessions)
	tastes, seen := f.known(ctx, sessions)
	kept := make([]kv.Item, 0, 3*len(sessions))
	for _, s := range sessions {
		if s.run.id != 0 && s.reach.run == s.run.id {
			s.shown = s.shown.add(s.run.ids(s.reach.at), f.Settings.Remember)
		}
		t := tastes[s.viewer]
		v := recommend.Viewer{
			Tags: t.tags, Authors: t.authors, Follows: t.follows, Signs: t.signs, Out: append(s.shown, seen[s.viewer]),
		}
		id := 1 + rand.Int64N(1<<52)
		r := rand.New(rand.NewPCG(uint64(id), uint64(s.viewer)))
		items := recommend.Rank(v, recommend.Candidates{Pool: pool, Own: t.own}, f.Settings, r)
		if s.cursor == nil && len(items) < s.limit && len(s.shown) > 0 {
			// Nearly all was shown, and not watched: who begins anew is shown it again.
			s.shown, v.Out = nil, [][]int64{seen[s.viewer]}
			items = recommend.Rank(v, recommend.Candidates{Pool: pool, Own: t.own}, f.Settings, r)
		}
		s.run = newRun(id, f.Now().UnixMilli(), items)
		if err := f.cutRun(ctx, s, "ranked", 0); err != nil {
			return nil, err
		}
		kept = append(kept, f.item(runKey(s.viewer), s.run.bytes()), f.item(reachKey(s.viewer), s.reach.bytes()),
			f.item(shownKey(s.viewer), s.shown.bytes()))
	}
	return kept, nil
}

// readShown reads what was shown.
func (f *Feeds) readShown(ctx context.Context, sessions []*session) {
	keys := make([]string, len(sessions))
	for i, s := range sessions {
		keys[i] = shownKey(s.viewer)
	}
	values, err := f.Cache.MGet(ctx, keys)
	if err != nil {
		f.unusual.WarnContext(ctx, "feeds do not know what they have shown", "err", err)
		return
	}
	for i, s := range sessions {
		s.shown = readShown(values[i])
	}
}

// known reads what is known of viewers, as far as it is there in time.
func (f *Feeds) known(ctx context.Context, sessions []*session) (tastes map[int64]taste, seen map[int64][]int64) {
	viewers := make([]int64, len(sessions))
	for i, s := range sessions {
		viewers[i] = s.viewer
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var g errgroup.Group
	g.Go(func() (err error) {
		if tastes, err = f.tastes.GetMulti(ctx, viewers); err != nil {
			return fmt.Errorf("read tastes: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) {
		if seen, err = f.Seen(ctx, viewers); err != nil {
			return fmt.Errorf("read what was watched: %w", err)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		f.unusual.WarnContext(ctx, "feeds go without what is known of their viewers", "err", err)
	}
	return tastes, seen
}
