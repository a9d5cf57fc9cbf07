package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/recommend"
	"tiktok/config"
)

// params is a simulated world. What users like is known to it, not to who ranks.
type params struct {
	seed uint64
	// users are there at the beginning; newUsers and videos come every day.
	users, newUsers, videos, authors int
	days                             int
	// strength is how much of what a user watches to its end is a matter of taste: 0 is none, 1 strong.
	strength float64
}

const (
	topics = 20
	// tagsOfTopic is how many tags a topic has, and common how many there are that say nothing.
	tagsOfTopic, common = 5, 3
	// visits is how many sessions a user has in a day, pages how many pages in a session.
	visits, pages = 1.5, 2
	pageSize      = 30
	// step is how often candidates are read.
	step = 30 * time.Minute
)

// user is what the world knows of a user: taste is hidden from who ranks, the rest is what they did.
type user struct {
	id       int64
	taste    [topics]float64
	joined   time.Time
	liked    []int64 // the last one last
	watched  []recommend.Watch
	seen     map[int64]bool
	seenIDs  []int64 // ascending
	follows  []int64 // ascending
	sessions int
}

// clip is what the world knows of a video: its topics and quality are hidden from who ranks.
type clip struct {
	recommend.Video
	topics  [topics]float64
	quality float64
	shown   int
	// firstDay is how often it was shown in its first 24 hours.
	firstDay int
	likers   []int64 // the last one last
}

type author struct {
	topics [2]int
	clips  []int64 // newest last
}

// world is a simulation that goes on.
type world struct {
	params
	s        config.Feeds
	halfLife time.Duration
	r        *rand.Rand
	now      time.Time
	start    time.Time
	people   []*user
	clips    []*clip // by id - 1, in the order of time
	authors  []author
	byTag    map[string][]int64 // the newest last
	related  map[int64][]recommend.Similar
	// relatedAt is when related was forgotten.
	relatedAt time.Time
}

func newWorld(p params) *world {
	start := time.UnixMilli(1_800_000_000_000)
	d := config.Default().Discovery
	w := &world{
		params: p, s: d.Feeds, halfLife: d.HalfLife, r: rand.New(rand.NewPCG(p.seed, 0)), now: start, start: start, byTag: map[string][]int64{},
	}
	w.authors = make([]author, p.authors)
	for i := range w.authors {
		w.authors[i].topics = [2]int{w.r.IntN(topics), w.r.IntN(topics)}
	}
	for range p.users {
		w.join()
	}
	for i := range 2 * p.videos { // two days of them are there
		w.publish(start.Add(-time.Duration(2*p.videos-i) * 24 * time.Hour / time.Duration(p.videos)))
	}
	return w
}

func (w *world) join() {
	u := &user{id: int64(len(w.people) + 1), joined: w.now, seen: map[int64]bool{}}
	for _, weight := range []float64{1, 0.8, 0.5} { // three topics; some twice
		t := w.r.IntN(topics)
		u.taste[t] = min(1, u.taste[t]+weight)
	}
	w.people = append(w.people, u)
}

// publish adds a video of an author, a few of whom publish most.
func (w *world) publish(at time.Time) {
	a := int(float64(w.params.authors) * math.Pow(w.r.Float64(), 2.5))
	c := &clip{quality: w.r.NormFloat64()}
	c.ID, c.AuthorID, c.PublishedMs = int64(len(w.clips)+1), int64(a+1), at.UnixMilli()
	topic := w.authors[a].topics[0]
	if w.r.Float64() < 0.35 {
		topic = w.authors[a].topics[1]
	}
	other := w.r.IntN(topics)
	c.topics[topic], c.topics[other] = 0.8, c.topics[other]+0.2
	// A quarter says nothing about itself, and one tag in six is misleading.
	if w.r.Float64() < 0.75 {
		for range 1 + w.r.IntN(3) {
			t := topic
			if w.r.Float64() < 1.0/6 {
				t = w.r.IntN(topics)
			}
			c.Tags = append(c.Tags, fmt.Sprintf("t%d_%d", t, w.r.IntN(tagsOfTopic)))
		}
	}
	if w.r.IntN(3) == 0 {
		c.Tags = append(c.Tags, fmt.Sprint("common", w.r.IntN(common)))
	}
	slices.Sort(c.Tags)
	c.Tags = slices.Compact(c.Tags)
	w.clips = append(w.clips, c)
	w.authors[a].clips = append(w.authors[a].clips, c.ID)
	for _, tag := range c.Tags {
		w.byTag[tag] = append(w.byTag[tag], c.ID)
	}
}

// chance is how likely a user watches a video to its end.
func (w *world) chance(u *user, c *clip) float64 {
	fit := 0.0
	for t := range topics {
		fit += u.taste[t] * c.topics[t]
	}
	return 1 / (1 + math.Exp(2-4*w.strength*fit-0.6*c.quality))
}

// watch shows a video to a user, and reports whether they finish or like it.
func (w *world) watch(u *user, id int64) (hit bool) {
	c := w.clips[id-1]
	p := w.chance(u, c)
	finished, likes := w.r.Float64() < p, w.r.Float64() < 0.25*p
	c.shown++
	if w.now.UnixMilli()-c.PublishedMs < 24*3_600_000 {
		c.firstDay++
	}
	c.Views++
	ms := w.now.UnixMilli()
	if finished {
		c.Finishes++
		c.Heat = heat.Add(c.Heat, 1, ms, w.halfLife)
	}
	if likes {
		c.Likes++
		c.Heat = heat.Add(c.Heat, 1, ms, w.halfLife)
		c.likers = append(c.likers, u.id)
		u.liked = append(u.liked, id)
		if w.r.Float64() < 0.1 {
			if at, ok := slices.BinarySearch(u.follows, c.AuthorID); !ok {
				u.follows = slices.Insert(u.follows, at, c.AuthorID)
			}
		}
	}
	u.watched = append(u.watched, recommend.Watch{VideoID: id, Finished: finished})
	if !u.seen[id] {
		u.seen[id] = true
		at, _ := slices.BinarySearch(u.seenIDs, id)
		u.seenIDs = slices.Insert(u.seenIDs, at, id)
	}
	return finished || likes
}

// last are up to n last ones, the last first.
func last[T any](all []T, n int) []T {
	out := slices.Clone(all[max(0, len(all)-n):])
	slices.Reverse(out)
	return out
}

// pool is what the service reads for everybody.
func (w *world) pool() *recommend.Pool {
	var fresh, hot []recommend.Video
	for _, c := range w.clips[max(0, len(w.clips)-w.s.FreshSize):] {
		fresh = append(fresh, c.Video)
	}
	for _, c := range w.hottest(w.s.HotSize) {
		hot = append(hot, c.Video)
	}
	return recommend.NewPool(w.now, fresh, hot, w.halfLife, w.s)
}

func (w *world) hottest(n int) []*clip {
	all := slices.Clone(w.clips)
	slices.SortFunc(all, func(a, b *clip) int { return cmp.Or(cmp.Compare(b.Heat, a.Heat), cmp.Compare(b.ID, a.ID)) })
	return all[:min(n, len(all))]
}

// similar is what the service reads of who likes a video, kept for an hour.
func (w *world) similar(id int64) []recommend.Similar {
	if w.now.Sub(w.relatedAt) >= time.Hour || w.related == nil {
		w.related, w.relatedAt = map[int64][]recommend.Similar{}, w.now
	}
	if s, ok := w.related[id]; ok {
		return s
	}
	likers := last(w.clips[id-1].likers, recommend.Likers)
	liked := make(map[int64][]int64, len(likers))
	for _, u := range likers {
		liked[u] = last(w.people[u-1].liked, recommend.LikesRead)
	}
	together := recommend.Together(id, likers, liked, 3*w.s.RelatedSize)
	likes := make(map[int64]int64, len(together))
	for other := range together {
		likes[other] = w.clips[other-1].Likes
	}
	s := recommend.Related(w.clips[id-1].Likes, len(likers), together, likes, w.s.RelatedSize)
	w.related[id] = s
	return s
}

// viewer is what the service knows of a user.
func (w *world) viewer(u *user, pool *recommend.Pool) (recommend.Viewer, []recommend.Own) {
	find := func(id int64) (recommend.Video, bool) { return w.clips[id-1].Video, true }
	liked := last(u.liked, w.s.Signals)
	signals, signs := recommend.Signals(liked, last(u.watched, w.s.Signals), find)
	v := recommend.Viewer{Follows: u.follows, Signs: signs, Out: [][]int64{u.seenIDs}}
	v.Tags, v.Authors = recommend.Tastes(signals)
	seeds := liked[:min(len(liked), w.s.RelatedOf)]
	related := make(map[int64][]recommend.Similar, len(seeds))
	for _, id := range seeds {
		related[id] = w.similar(id)
	}
	co := recommend.CoLikes(seeds, related, recommend.MostCoLiked)
	var others []int64
	for _, tag := range recommend.LikedTags(v.Tags) {
		others = append(others, last(w.byTag[tag], recommend.MostTagged)...)
	}
	var followed []int64
	for _, a := range u.follows[:min(len(u.follows), recommend.FollowsRead)] {
		followed = append(followed, last(w.authors[a-1].clips, recommend.MostOfAuthor)...)
	}
	slices.Sort(followed) // by time
	others = append(others, last(followed, recommend.MostFollowed)...)
	known := make(map[int64]recommend.Video, len(others)+len(co))
	for _, id := range others {
		known[id] = w.clips[id-1].Video
	}
	for _, c := range co {
		known[c.ID] = w.clips[c.ID-1].Video
	}
	return v, recommend.OwnOf(pool.Scale, v.Tags, co, others, known)
}
