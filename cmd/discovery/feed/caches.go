package feed

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/recommend"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/kv"
	"tiktok/pkg/paging"
)

// archiveSize is how many videos from before the newest ones everybody's candidates have: others each time.
const archiveSize = 200

// shelfFor is how long the next page may be asked for after a page of a shelf.
const shelfFor = 15 * time.Minute

func (f *Feeds) newCaches() {
	f.pools = kv.NewLoadingCache(f.Cache, kv.Options[int64, *recommend.Pool]{
		Kind: "feed_pool", InProcess: true, TTL: f.Settings.PoolFor, Key: func(int64) string { return "tt:discovery:pool" },
		Size: func(p *recommend.Pool) int { return 300 * p.Len() }, Log: f.Log, Metrics: f.Metrics,
	}, f.loadPool)
	f.shelves = kv.NewLoadingCache(f.Cache, kv.Options[shelfKey, run]{
		Kind: "feed_shelf", InProcess: true, TTL: time.Minute, NegativeTTL: -1, Key: shelfKey.key, Size: run.size, Log: f.Log, Metrics: f.Metrics,
	}, f.loadShelves)
	f.tastes = kv.NewLoadingCache(f.Cache, kv.Options[int64, taste]{
		Kind: "taste", Key: tasteKey, TTL: f.Settings.TasteFor, NegativeTTL: -1, Size: taste.size, Log: f.Log, Metrics: f.Metrics,
	}, f.loadTastes)
	f.related = kv.NewLoadingCache(f.Cache, kv.Options[int64, similar]{
		Kind: "related_videos", Key: relatedKey, TTL: f.Settings.RelatedFor, NegativeTTL: f.Settings.RelatedFor,
		Size: similar.size, Log: f.Log, Metrics: f.Metrics,
	}, f.loadRelated)
	f.newShared()
}

// pool returns the candidates for everybody: the last ones when there are none of now.
func (f *Feeds) pool(ctx context.Context) (*recommend.Pool, error) {
	pools, err := f.pools.GetMulti(ctx, []int64{0})
	if err == nil {
		return pools[0], nil
	}
	if last := f.last.Load(); last != nil && ctx.Err() == nil {
		f.unusual.WarnContext(ctx, "feeds are made of what was new and hot before", "err", err)
		return last, nil
	}
	return nil, err
}

func (f *Feeds) loadPool(ctx context.Context, _ []int64) (map[int64]*recommend.Pool, error) {
	now := f.Now()
	fresh, err := f.Store.NewestVideos(ctx, math.MaxInt64, f.Settings.FreshSize)
	if err != nil {
		return nil, err
	}
	hot, err := f.Store.HottestVideos(ctx, f.Settings.HotSize)
	if err != nil {
		return nil, err
	}
	if len(fresh) == f.Settings.FreshSize { // who has seen all of these gets older ones
		last := fresh[len(fresh)-1].PublishedMs
		first, err := f.Store.OldestVideo(ctx)
		if err != nil {
			return nil, err
		}
		archive, err := db.New(f.Store.Behind()).NewestVideos(ctx, last-rand.Int64N(max(1, last-first)), archiveSize)
		if err != nil {
			return nil, err
		}
		hot = append(hot, archive...)
	}
	pool := recommend.NewPool(now, videos(fresh), videos(hot), f.HalfLife, f.Settings)
	f.last.Store(pool)
	return map[int64]*recommend.Pool{0: pool}, nil
}

// videos are rows as the ranking knows them.
func videos(rows []db.FeedVideo) []recommend.Video {
	all := make([]recommend.Video, len(rows))
	for i, v := range rows {
		all[i] = video(v)
	}
	return all
}

func video(v db.FeedVideo) recommend.Video {
	return recommend.Video{
		ID: v.ID, AuthorID: v.AuthorID, PublishedMs: v.PublishedMs, Tags: strings.Fields(v.Tags),
		Views: v.Views, Finishes: v.Finishes, Likes: v.Likes, Heat: v.Heat,
	}
}

// shelfKey names a shelf: of a feed, of the time (in steps of Settings.PoolFor) when it was made.
type shelfKey struct {
	feed discovery.Feed
	at   int64
}

func (k shelfKey) key() string {
	return "tt:discovery:shelf:v1:" + strconv.Itoa(int(k.feed)) + ":" + strconv.FormatInt(k.at, 10)
}

// fromShelves answers queries that have the same answer for everybody.
func (f *Feeds) fromShelves(ctx context.Context, wants []*want) error {
	now := f.Now().UnixMilli() / f.Settings.PoolFor.Milliseconds()
	kept := int64(shelfFor / f.Settings.PoolFor)
	keys := make([]shelfKey, len(wants))
	for i, w := range wants {
		keys[i] = shelfKey{feed: w.feed, at: now}
		if w.cursor != nil && w.cursor[0] <= now && w.cursor[0] > now-kept {
			keys[i].at = w.cursor[0]
		}
	}
	shelves, err := f.shelves.GetMulti(ctx, keys)
	if err != nil {
		return err
	}
	for i, w := range wants {
		at, shelf := 0, shelves[keys[i]]
		if w.cursor != nil {
			at = int(min(w.cursor[1], int64(shelf.len())))
		}
		items, next := shelf.page(at, w.limit)
		if next < shelf.len() {
			w.answer.NextCursor = paging.Cursor(shelf.id, int64(next))
		}
		if err := f.show(ctx, w, "shelf", items); err != nil {
			return err
		}
	}
	return nil
}

// loadShelves makes shelves, or takes those that another process has made: all cut pages from the same. One that is lost is made again, so
// only then a page may repeat something.
func (f *Feeds) loadShelves(ctx context.Context, keys []shelfKey) (map[shelfKey]run, error) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.key()
	}
	shelves := make(map[shelfKey]run, len(keys))
	stored, err := f.Cache.MGet(ctx, names)
	if err == nil && readShelves(keys, stored, shelves) {
		return shelves, nil
	}
	pool, perr := f.pool(ctx)
	if perr != nil {
		return nil, perr
	}
	var items []kv.Item
	for i, k := range keys {
		if _, ok := shelves[k]; ok {
			continue
		}
		list := pool.Hottest(f.Settings.HotSize)
		if k.feed == discovery.Feed_FOR_YOU {
			s := f.Settings
			s.RunSize = s.HotSize
			list = recommend.Rank(recommend.Viewer{}, recommend.Candidates{Pool: pool}, s, rand.New(rand.NewPCG(uint64(k.at), 0)))
		}
		shelves[k] = newRun(k.at, f.Now().UnixMilli(), list)
		items = append(items, kv.Item{Key: names[i], Value: shelves[k].bytes(), TTL: shelfFor, IfAbsent: true})
	}
	if err == nil {
		if err = f.Cache.Set(ctx, items); err == nil {
			stored, err = f.Cache.MGet(ctx, names)
		}
	}
	if err != nil {
		f.unusual.WarnContext(ctx, "feeds of everybody are made without the cache", "err", err)
		return shelves, nil
	}
	readShelves(keys, stored, shelves)
	return shelves, nil
}

// readShelves adds those that are stored, and reports whether all are.
func readShelves(keys []shelfKey, stored [][]byte, to map[shelfKey]run) bool {
	all := true
	for i, k := range keys {
		if r, err := readRun(stored[i]); err == nil {
			to[k] = r
		} else {
			all = false
		}
	}
	return all
}

// similar are the videos that those like who like one.
type similar []recommend.Similar

func (s similar) size() int { return 16 * len(s) }

// AppendBinary is for the cache.
func (s similar) AppendBinary(b []byte) ([]byte, error) {
	for _, one := range s {
		b = binary.LittleEndian.AppendUint32(append7(b, one.ID), math.Float32bits(one.Weight))
	}
	return append(b, 1), nil // no value is empty
}

// UnmarshalBinary is for the cache. It fails with kv.ErrBadBytes.
func (s *similar) UnmarshalBinary(b []byte) error {
	const width = 11
	if len(b)%width != 1 {
		return kv.ErrBadBytes
	}
	for ; len(b) > 1; b = b[width:] {
		*s = append(*s, recommend.Similar{ID: read7(b), Weight: math.Float32frombits(binary.LittleEndian.Uint32(b[7:]))})
	}
	return nil
}

func relatedKey(videoID int64) string {
	return "tt:discovery:related:v1:{" + strconv.FormatInt(videoID, 10) + "}"
}

// loadRelated reads who liked the videos last, and what else they like, which mostly is cached.
func (f *Feeds) loadRelated(ctx context.Context, videoIDs []int64) (map[int64]similar, error) {
	likers, err := f.Store.Likers(ctx, videoIDs, recommend.Likers)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, list := range likers {
		all = append(all, list...)
	}
	liked, err := f.likes.GetMulti(ctx, all)
	if err != nil {
		return nil, err
	}
	together := make(map[int64]map[int64]int, len(likers))
	candidates := make([]int64, 0, len(likers))
	for id, list := range likers {
		together[id] = recommend.Together(id, list, liked, 3*f.Settings.RelatedSize)
		candidates = append(candidates, id)
		for other := range together[id] {
			candidates = append(candidates, other)
		}
	}
	known, err := f.videos.GetMulti(ctx, candidates)
	if err != nil {
		return nil, err
	}
	likes := make(map[int64]int64, len(known))
	for id, v := range known {
		likes[id] = v.Likes
	}
	found := make(map[int64]similar, len(likers))
	for id, list := range likers {
		found[id] = recommend.Related(likes[id], len(list), together[id], likes, f.Settings.RelatedSize)
	}
	return found, nil
}

// Changed makes what users liked, watched or followed count at once: each begins a new run with the next first page. Call it after the
// commit.
func (f *Feeds) Changed(ctx context.Context, userIDs []int64) {
	if len(userIDs) == 0 {
		return
	}
	f.tastes.Invalidate(ctx, userIDs...)
	now := binary.AppendUvarint(nil, uint64(f.Now().UnixMilli()))
	items := make([]kv.Item, len(userIDs))
	for i, id := range userIDs {
		items[i] = kv.Item{Key: changedKey(id), Value: now, TTL: f.Settings.RerankAfter}
	}
	if err := f.Cache.Set(ctx, items); err != nil { // then their runs end by age
		f.unusual.WarnContext(ctx, "feeds do not know that the tastes of users have changed", "err", err)
	}
}
