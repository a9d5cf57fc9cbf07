package feed

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/recommend"
	"tiktok/pkg/lifecycle"
)

const (
	// trendingTags is how many tags of the hour are kept.
	trendingTags = 50
	// trendingVideos is of how many of the hottest, and as many of the newest, videos they are made.
	trendingVideos = 1000
	// trendingNew is what a new video with a tag weighs, beside a like, which weighs 1; half of it a half-life later.
	trendingNew = 0.5
	// trendingAuthor bounds what all videos of one author say for a tag.
	trendingAuthor = 20.0
	// trendingLease is longer than the database may take for it.
	trendingLease = 15 * time.Second
)

// Trending are the tags that the newest and the hottest videos speak for: each of their videos with what its likes and finishes of late
// weigh, and with its being new. What one author's videos say counts up to a bound. The first says most.
func Trending(now time.Time, videos []recommend.Video, halfLife time.Duration, most int) []db.TrendingTag {
	type by struct {
		tag    string
		author int64
	}
	each := map[by]float64{}
	for _, v := range videos {
		age := max(0, float64(now.UnixMilli()-v.PublishedMs))
		weight := heat.At(v.Heat, now.UnixMilli(), halfLife) + trendingNew*math.Exp2(-age/float64(halfLife.Milliseconds()))
		for _, tag := range v.Tags {
			each[by{tag, v.AuthorID}] += weight
		}
	}
	sums := map[string]float64{}
	for k, weight := range each {
		sums[k.tag] += min(weight, trendingAuthor)
	}
	tags := make([]db.TrendingTag, 0, len(sums))
	for tag, score := range sums {
		if score >= trendingNew/16 { // all of it is long ago
			tags = append(tags, db.TrendingTag{Tag: tag, Score: score})
		}
	}
	slices.SortFunc(tags, func(a, b db.TrendingTag) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Tag, b.Tag)) })
	tags = tags[:min(len(tags), most)]
	for i := range tags {
		tags[i].Position = int64(i)
	}
	return tags
}

// runTrending computes the tags of the hour now and then, while this process has the lease, until ctx ends.
func (f *Feeds) runTrending(ctx context.Context) {
	f.lead(ctx, "trending", trendingLease, func(ctx context.Context) error {
		for {
			if err := f.ComputeTrending(ctx); err != nil {
				return err
			}
			if !lifecycle.Pause(ctx, f.Settings.TrendingEvery) {
				return ctx.Err()
			}
		}
	})
}

// ComputeTrending computes the tags of the hour once.
func (f *Feeds) ComputeTrending(ctx context.Context) error {
	fresh, err := f.Store.NewestVideos(ctx, math.MaxInt64, trendingVideos)
	if err != nil {
		return err
	}
	hot, err := f.Store.HottestVideos(ctx, trendingVideos)
	if err != nil {
		return err
	}
	all := videos(append(fresh, hot...))
	slices.SortFunc(all, func(a, b recommend.Video) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b recommend.Video) bool { return a.ID == b.ID })
	return f.Store.SetTrendingTags(ctx, Trending(f.Now(), all, f.HalfLife, trendingTags))
}
