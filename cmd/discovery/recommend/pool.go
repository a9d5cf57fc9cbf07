// Package recommend ranks videos for a viewer. It is pure: what it ranks, the time and the randomness are given to it, so the same answer
// comes of the same input. The service reads its input from the store, the simulator of test/recommend makes it up.
//
// # Score
//
// The score of a video is a weighted sum (config.FeedWeights), and the part that adds most is the reason that is told:
//
//	fresh · 2^(-age/half-life)
//	hot · ⅖ (popularity + quality)       popularity: its decayed likes and finishes, as logarithm, 1 for the hottest;
//	                                     quality: likes and finishes by view, -½ for none, 0 for what is usual, 1 for the best,
//	                                     with a prior, so that few views say little
//	followed · ½(1 + fresh)              of somebody whom the viewer follows
//	coLiked · 0…1                        how much those who like what the viewer likes like it
//	tag · -1…1                           what the viewer makes of its tags
//	author · -1…1                        what the viewer makes of its author; this is no reason of its own
//
// # Places
//
// A share of the places is kept for videos with few views, each the one of a few drawn at random whose tags fit best: nothing is known of a
// new video before somebody has watched it. Of one author there are at most AuthorCap in any PageSize videos in a row; where nothing else
// is left the list breaks, and a page ends there.
package recommend

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tiktok/cmd/discovery/heat"
	"tiktok/config"
)

// Video is what is known of a video.
type Video struct {
	ID, AuthorID, PublishedMs int64
	// Tags are in the form of tags.Key.
	Tags                   []string
	Views, Finishes, Likes int64
	// Heat is of package heat.
	Heat float64
}

// Base is the part of a score that is the same for all viewers, weighed.
type Base struct{ Fresh, Hot float32 }

// Scale is what all videos are compared with.
type Scale struct {
	now      time.Time
	halfLife time.Duration
	// hottest is the logarithm of what the hottest weighs.
	hottest float64
	s       config.Feeds
}

// Base is a video's.
func (c Scale) Base(v Video) Base {
	age := max(0, float64(c.now.UnixMilli()-v.PublishedMs))
	fresh := math.Exp2(-age / float64(c.s.FreshHalfLife.Milliseconds()))
	popularity := 0.0
	if c.hottest > 0 {
		popularity = min(1, math.Log2(1+heat.At(v.Heat, c.now.UnixMilli(), c.halfLife))/c.hottest)
	}
	const views, usual, best = 10, 0.2, 0.6
	rate := (float64(min(v.Likes+v.Finishes, v.Views)) + views*usual) / (float64(v.Views) + views)
	quality := min(1, (rate-usual)/(best-usual)) // 0 for one that nobody has watched: hot is only what many like
	return Base{Fresh: float32(c.s.Weights.Fresh * fresh), Hot: float32(c.s.Weights.Hot * 0.4 * (popularity + quality))}
}

// Pool are candidates for everybody, prepared for many viewers. It is not changed any more.
type Pool struct {
	Scale
	// IDs ascend; the other lists have their order.
	ids       []int64
	authors   []int64
	published []int64
	base      []Base
	// explore are the places of videos with few views.
	explore []int32
	few     []bool
	// heat is for the order of the hot feed.
	heat     []float64
	byTag    map[string][]int32
	byAuthor map[int64][]int32
}

// NewPool prepares videos, of which each may be there twice: the newest ones (at most AuthorFresh of an author are taken of these), and the
// hottest. halfLife is that of heat.
func NewPool(now time.Time, fresh, hot []Video, halfLife time.Duration, s config.Feeds) *Pool {
	newest := slices.Clone(fresh)
	slices.SortFunc(newest, func(a, b Video) int {
		return cmp.Or(cmp.Compare(b.PublishedMs, a.PublishedMs), cmp.Compare(b.ID, a.ID))
	})
	byAuthor := make(map[int64]int, len(newest))
	all := slices.DeleteFunc(newest, func(v Video) bool {
		byAuthor[v.AuthorID]++
		return byAuthor[v.AuthorID] > s.AuthorFresh
	})
	all = append(all, hot...)
	slices.SortFunc(all, func(a, b Video) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b Video) bool { return a.ID == b.ID })
	p := &Pool{
		Scale: Scale{now: now, halfLife: halfLife, s: s},
		ids:   make([]int64, len(all)), authors: make([]int64, len(all)), published: make([]int64, len(all)), base: make([]Base, len(all)),
		few: make([]bool, len(all)), heat: make([]float64, len(all)),
		byTag: map[string][]int32{}, byAuthor: make(map[int64][]int32, len(all)),
	}
	for _, v := range all {
		p.hottest = max(p.hottest, math.Log2(1+heat.At(v.Heat, now.UnixMilli(), halfLife)))
	}
	for i, v := range all {
		at := int32(i)
		p.ids[i], p.authors[i], p.published[i], p.base[i], p.heat[i] = v.ID, v.AuthorID, v.PublishedMs, p.Base(v), v.Heat
		if v.Views < int64(s.ExploreViews) {
			p.explore, p.few[i] = append(p.explore, at), true
		}
		for _, tag := range v.Tags {
			p.byTag[tag] = append(p.byTag[tag], at)
		}
		p.byAuthor[v.AuthorID] = append(p.byAuthor[v.AuthorID], at)
	}
	return p
}

// Len is how many videos there are.
func (p *Pool) Len() int { return len(p.ids) }

// Hottest are the hottest videos, hottest first: those that have any heat.
func (p *Pool) Hottest(limit int) []Item {
	return p.list(limit, ReasonHot, func(at int32) bool { return p.heat[at] > heat.None }, func(a, b int32) int {
		return cmp.Compare(p.heat[b], p.heat[a])
	})
}

// Newest are the newest videos of the pool that are older than one, newest first.
func (p *Pool) Newest(beforeMs, beforeID int64, limit int) []Item {
	older := func(at int32) bool {
		return p.published[at] < beforeMs || p.published[at] == beforeMs && p.ids[at] < beforeID
	}
	return p.list(limit, ReasonFresh, older, func(a, b int32) int { return cmp.Compare(p.published[b], p.published[a]) })
}

// list are those that are in, in an order; of equal ones the newer id comes first.
func (p *Pool) list(limit int, reason Reason, in func(int32) bool, order func(a, b int32) int) []Item {
	places := make([]int32, 0, len(p.ids))
	for i := range p.ids {
		if in(int32(i)) {
			places = append(places, int32(i))
		}
	}
	slices.SortFunc(places, func(a, b int32) int { return cmp.Or(order(a, b), cmp.Compare(b, a)) })
	places = places[:min(limit, len(places))]
	items := make([]Item, len(places))
	for i, at := range places {
		items[i] = Item{ID: p.ids[at], AuthorID: p.authors[at], PublishedMs: p.published[at], Reason: reason}
	}
	return items
}
