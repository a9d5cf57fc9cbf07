package feed

import (
	"context"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/recommend"
	"tiktok/pkg/kv"
)

// newestFor is how long this process takes the newest videos of a tag or an author for the newest: they are candidates of viewers, whose
// tastes are kept for longer.
const newestFor = 15 * time.Second

// newShared makes the caches of what the tastes of many viewers are made of: who likes and follows the same has most of it in common.
// Nobody is promised that it is of now, so each process keeps its own, and a taste costs few statements of its own.
func (f *Feeds) newShared() {
	f.videos = kv.NewLoadingCache(f.Cache, kv.Options[int64, recommend.Video]{
		Kind: "feed_video", InProcess: true, TTL: f.Settings.TasteFor,
		Size: func(v recommend.Video) int { return 32 * len(v.Tags) }, Log: f.Log, Metrics: f.Metrics,
	}, func(ctx context.Context, ids []int64) (map[int64]recommend.Video, error) {
		rows, err := f.Store.FeedVideos(ctx, ids)
		found := make(map[int64]recommend.Video, len(rows))
		for id, v := range rows {
			found[id] = video(v)
		}
		return found, err
	})
	f.likes = newest(f, "feed_likes", f.Settings.RelatedFor, 8, recommend.LikesRead, f.Store.LikedVideos)
	f.tagged = newest(f, "feed_tag", newestFor, 8, recommend.MostTagged, f.Store.TagNewest)
	f.works = newest(f, "feed_author", newestFor, 16, recommend.MostOfAuthor, f.Store.NewestOf)
}

// newest caches the newest things of each of many, so many and of so many bytes each, in this process.
func newest[K comparable, T any](
	f *Feeds, kind string, ttl time.Duration, bytes, limit int, load func(context.Context, []K, int) (map[K][]T, error),
) *kv.LoadingCache[K, []T] {
	return kv.NewLoadingCache(f.Cache, kv.Options[K, []T]{
		Kind: kind, InProcess: true, TTL: ttl, NegativeTTL: ttl,
		Size: func(all []T) int { return bytes * len(all) }, Log: f.Log, Metrics: f.Metrics,
	}, func(ctx context.Context, keys []K) (map[K][]T, error) { return load(ctx, keys, limit) })
}

// ofFollowed are the newest videos of some authors, at most so many.
func ofFollowed(works map[int64][]db.Place, authors []int64, most int) (ids []int64) {
	var places []db.Place
	for _, a := range authors {
		places = append(places, works[a]...)
	}
	for _, p := range db.Latest(places, most) {
		ids = append(ids, p.VideoID)
	}
	return ids
}
