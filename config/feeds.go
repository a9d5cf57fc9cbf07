package config

import (
	"fmt"
	"time"
)

// Feeds is how feeds are made (cmd/discovery/recommend says what weights weigh).
type Feeds struct {
	// PageSize is how many videos in a row AuthorCap counts for: the size of a page of the clients.
	PageSize int `mapstructure:"page_size"`
	// AuthorCap is at most how many of PageSize videos in a row are of one author.
	AuthorCap int `mapstructure:"author_cap"`
	// AuthorFresh is how many of the newest videos of one author are among those that anybody may get for being new.
	AuthorFresh int `mapstructure:"author_fresh"`
	// RunSize is how many videos are ranked at once for a viewer, who scrolls through them.
	RunSize int `mapstructure:"run_size"`
	// RerankAfter is the age from which the rest of them is ranked again, by what the viewer did meanwhile.
	RerankAfter time.Duration `mapstructure:"rerank_after"`
	// Remember is how many videos that a viewer watched last, and as many that were shown last, are left out.
	Remember int `mapstructure:"remember"`
	// ShownFor is how long it is kept what was ranked and what was shown.
	ShownFor time.Duration `mapstructure:"shown_for"`
	// FreshSize, HotSize and PoolFor: so many of the newest and of the hottest videos are candidates for everybody, for so long.
	FreshSize int           `mapstructure:"fresh_size"`
	HotSize   int           `mapstructure:"hot_size"`
	PoolFor   time.Duration `mapstructure:"pool_for"`
	// FreshHalfLife is how long it takes until a video is half as new.
	FreshHalfLife time.Duration `mapstructure:"fresh_half_life"`
	// ExploreShare is the share of places for videos with fewer than ExploreViews views; ColdExploreShare is that of viewers of whom
	// fewer than ColdSignals signs of taste are known.
	ExploreShare     float64 `mapstructure:"explore_share"`
	ColdExploreShare float64 `mapstructure:"cold_explore_share"`
	ColdSignals      int     `mapstructure:"cold_signals"`
	ExploreViews     int     `mapstructure:"explore_views"`
	// Signals is how many of the newest likes, and as many watches, a viewer's taste is made of, and TasteFor how long it is kept.
	Signals  int           `mapstructure:"signals"`
	TasteFor time.Duration `mapstructure:"taste_for"`
	// RelatedOf is of how many of the newest videos that a viewer likes what their other friends like is looked up: RelatedSize videos
	// of each, which are kept for RelatedFor.
	RelatedOf   int           `mapstructure:"related_of"`
	RelatedSize int           `mapstructure:"related_size"`
	RelatedFor  time.Duration `mapstructure:"related_for"`
	Weights     FeedWeights   `mapstructure:"weights"`
	// FollowPull is up to how many followed users the feed of those whom a viewer follows is put together when it is read. Who follows
	// more has a timeline, of TimelineSize videos, which goes when nobody has read it for TimelineDays.
	FollowPull   int `mapstructure:"follow_pull"`
	TimelineSize int `mapstructure:"timeline_size"`
	TimelineDays int `mapstructure:"timeline_days"`
	// TrendingEvery is how often the tags of the hour are computed.
	TrendingEvery time.Duration `mapstructure:"trending_every"`
}

// FeedWeights is what each reason to show a video weighs. None is negative.
type FeedWeights struct {
	Fresh    float64 `mapstructure:"fresh"`
	Hot      float64 `mapstructure:"hot"`
	Followed float64 `mapstructure:"followed"`
	CoLiked  float64 `mapstructure:"co_liked"`
	Tag      float64 `mapstructure:"tag"`
	// Author is no reason of its own: how a viewer watches an author's videos.
	Author float64 `mapstructure:"author"`
}

func defaultFeeds() Feeds {
	return Feeds{
		PageSize: 30, AuthorCap: 2, AuthorFresh: 20,
		RunSize: 150, RerankAfter: time.Minute, Remember: 2000, ShownFor: 24 * time.Hour,
		FreshSize: 1000, HotSize: 500, PoolFor: 2 * time.Second, FreshHalfLife: 48 * time.Hour,
		ExploreShare: 0.1, ColdExploreShare: 0.1, ColdSignals: 10, ExploreViews: 30,
		Signals: 200, TasteFor: time.Minute, RelatedOf: 10, RelatedSize: 30, RelatedFor: 10 * time.Minute,
		Weights:    FeedWeights{Fresh: 0.1, Hot: 0.6, Followed: 0.8, CoLiked: 1.2, Tag: 1.2, Author: 0.8},
		FollowPull: 200, TimelineSize: 500, TimelineDays: 7, TrendingEvery: time.Minute,
	}
}

// check returns what is wrong with f.
func (f Feeds) check() (problems []string) {
	require := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, "feeds."+fmt.Sprintf(format, args...))
		}
	}
	between := func(key string, n, least, most int) {
		require(n >= least && n <= most, "%s is %d, want %d to %d", key, n, least, most)
	}
	between("page_size", f.PageSize, 1, 100)
	between("author_cap", f.AuthorCap, 1, f.PageSize)
	between("author_fresh", f.AuthorFresh, 1, 1000)
	between("run_size", f.RunSize, f.PageSize, 1000)
	between("remember", f.Remember, 0, 5000)
	between("fresh_size", f.FreshSize, 1, 5000)
	between("hot_size", f.HotSize, 1, 5000)
	between("cold_signals", f.ColdSignals, 0, 1000)
	between("explore_views", f.ExploreViews, 0, 1_000_000)
	between("signals", f.Signals, 1, 1000)
	between("related_of", f.RelatedOf, 0, 100)
	between("related_size", f.RelatedSize, 1, 200)
	between("follow_pull", f.FollowPull, 1, 500)
	between("timeline_size", f.TimelineSize, 100, 1000)
	between("timeline_days", f.TimelineDays, 1, 365)
	for key, d := range map[string]time.Duration{
		"rerank_after": f.RerankAfter, "shown_for": f.ShownFor, "pool_for": f.PoolFor, "fresh_half_life": f.FreshHalfLife,
		"taste_for": f.TasteFor, "related_for": f.RelatedFor, "trending_every": f.TrendingEvery,
	} {
		require(d >= time.Second, "%s is %v, want 1s or more", key, d)
	}
	for key, share := range map[string]float64{"explore_share": f.ExploreShare, "cold_explore_share": f.ColdExploreShare} {
		require(share >= 0 && share <= 1, "%s is %v, want 0 to 1", key, share)
	}
	for key, weight := range map[string]float64{
		"fresh": f.Weights.Fresh, "hot": f.Weights.Hot, "followed": f.Weights.Followed, "co_liked": f.Weights.CoLiked, "tag": f.Weights.Tag,
		"author": f.Weights.Author,
	} {
		require(weight >= 0 && weight <= 1000, "weights.%s is %v, want 0 to 1000", key, weight)
	}
	return problems
}
