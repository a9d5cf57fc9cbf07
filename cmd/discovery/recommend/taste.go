package recommend

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"tiktok/config"
)

// Values of a Signal.
const (
	// Watched is a watch that was left before its end.
	Watched = 0.0
	// Finished is one to its end.
	Finished = 0.6
	// Liked is a like.
	Liked = 1.0
)

// Signal is what a viewer did with one video: the most of it.
type Signal struct {
	Video Video
	// Value is Watched, Finished or Liked.
	Value float64
}

// TagTaste is what a viewer makes of a tag: from -1, they leave such videos, over 0, they watch them as others, to 1.
type TagTaste struct {
	Tag    string
	Weight float32
}

// What is read of a viewer, and of what they like, to make candidates of. The simulator does the same.
const (
	// MostFollows is how many of those whom a viewer follows are known.
	MostFollows = 500
	// FollowsRead is of how many of these the newest videos are read.
	FollowsRead = 100
	// MostOfAuthor is how many are read of each.
	MostOfAuthor = 10
	// MostFollowed is how many of all that were read are candidates.
	MostFollowed = 30
	// MostTagged is how many of the newest videos with a tag that the viewer likes are candidates.
	MostTagged = 20
	// MostCoLiked is how many candidates come of what those like who like the same.
	MostCoLiked = 100
	// Likers is of how many who liked a video last the likes are counted.
	Likers = 24
	// LikesRead is how many of the newest likes of each are.
	LikesRead = 24
)

// Watch is a video that a viewer watched.
type Watch struct {
	VideoID  int64
	Finished bool
}

// Signals are what a viewer did with videos that are known, and how many of these signs say that they like something.
func Signals(liked []int64, watched []Watch, videos func(id int64) (Video, bool)) (signals []Signal, signs int) {
	values := make(map[int64]float64, len(liked)+len(watched))
	for _, w := range watched {
		if values[w.VideoID] = Watched; w.Finished {
			values[w.VideoID] = Finished
		}
	}
	for _, id := range liked {
		values[id] = Liked
	}
	signals = make([]Signal, 0, len(values))
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if v, ok := videos(id); ok {
			signals = append(signals, Signal{Video: v, Value: values[id]})
		}
		if values[id] > Watched {
			signs++
		}
	}
	return signals, signs
}

// LikedTags are the tags of a taste that bring candidates: the few that are liked most.
func LikedTags(tags []TagTaste) (names []string) {
	const most, least = 6, 0.15
	for _, t := range tags {
		if t.Weight >= least && len(names) < most {
			names = append(names, t.Tag)
		}
	}
	return names
}

// AuthorTaste is what a viewer makes of an author, as TagTaste of a tag.
type AuthorTaste struct {
	ID     int64
	Weight float32
}

// maxTastes is of how many tags, and of how many authors, a taste is made: of those that say most.
const maxTastes = 40

// Tastes says what a viewer makes of the tags and the authors of their signals: whether they like and finish such videos more often than
// others. Few videos say little. A tag that everything has says nothing.
func Tastes(signals []Signal) (tags []TagTaste, authors []AuthorTaste) {
	for _, t := range weights(signals, func(v Video) []string { return v.Tags }) {
		tags = append(tags, TagTaste{Tag: t.of, Weight: t.weight})
	}
	for _, a := range weights(signals, func(v Video) []int64 { return []int64{v.AuthorID} }) {
		authors = append(authors, AuthorTaste{ID: a.of, Weight: a.weight})
	}
	return tags, authors
}

// weighed is something of videos with what a viewer makes of it.
type weighed[K cmp.Ordered] struct {
	of     K
	weight float32
}

func weights[K cmp.Ordered](signals []Signal, of func(Video) []K) []weighed[K] {
	type count struct{ n, sum float64 }
	each, all := map[K]count{}, count{}
	for _, s := range signals {
		all.n, all.sum = all.n+1, all.sum+s.Value
		for _, k := range of(s.Video) {
			c := each[k]
			each[k] = count{n: c.n + 1, sum: c.sum + s.Value}
		}
	}
	// Of whom only likes are known, all has the greatest value: they still like what they like.
	const prior, most = 6, 0.4
	usual := min(most, all.sum/max(1, all.n))
	out := make([]weighed[K], 0, len(each))
	for k, c := range each {
		out = append(out, weighed[K]{k, float32(max(-1, min(1, 1.5*(c.sum-usual*c.n)/(c.n+prior))))})
	}
	slices.SortFunc(out, func(a, b weighed[K]) int {
		return cmp.Or(cmp.Compare(abs(b.weight), abs(a.weight)), cmp.Compare(a.of, b.of))
	})
	return out[:min(len(out), maxTastes)]
}

func abs(x float32) float32 { return max(x, -x) }

// Similar is a video that those like who like another.
type Similar struct {
	ID int64
	// Weight is how much so, from 0 to 1: the cosine of who likes the one and the other.
	Weight float32
}

// Together counts how many of the likers of a video, fewer than 2,048, like each other one, by what each of them likes: at most so many,
// those that most like; of equal ones the newer id.
func Together(of int64, likers []int64, liked map[int64][]int64, most int) map[int64]int {
	n := 0
	for _, user := range likers {
		n += len(liked[user])
	}
	shift := 63 - bits.Len(uint(n)) // half of the places are free, at least
	ids, counts := make([]int64, 1<<(64-shift)), make([]uint16, 1<<(64-shift))
	for _, user := range likers {
		for _, id := range liked[user] {
			at := uint64(id) * 0x9e3779b97f4a7c15 >> shift
			for ids[at] != 0 && ids[at] != id {
				at = (at + 1) % uint64(len(ids))
			}
			ids[at] = id
			counts[at]++
		}
	}
	const idBits = 53
	keys := make([]uint64, 0, n)
	for at, id := range ids {
		if id != 0 && id != of {
			keys = append(keys, ^(uint64(counts[at])<<idBits | uint64(id)))
		}
	}
	if most < len(keys) {
		least(keys, most)
		keys = keys[:most]
	}
	count := make(map[int64]int, len(keys))
	for _, key := range keys {
		count[int64(^key&(1<<idBits-1))] = int(^key >> idBits)
	}
	return count
}

// Related are the most similar ones to a video, at most so many, best first. likes is how many like it, sampled of how many of them others
// are known, and together how many of these like each other video, which has the likes of others.
func Related(likes int64, sampled int, together map[int64]int, others map[int64]int64, most int) []Similar {
	const prior = 5 // of a video that hardly anybody likes nothing is sure
	out := make([]Similar, 0, len(together))
	for id, n := range together {
		l := max(likes, int64(sampled))
		both := float64(n) * float64(l) / float64(max(1, sampled))
		other := max(float64(others[id]), both)
		w := both / math.Sqrt((float64(l)+prior)*(other+prior))
		out = append(out, Similar{ID: id, Weight: float32(min(1, w))})
	}
	slices.SortFunc(out, func(a, b Similar) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.ID, a.ID)) })
	return slices.Clip(out[:min(len(out), most)])
}

// CoLiked is a video that those like who like what the viewer likes.
type CoLiked struct {
	ID int64
	// Because is the video that says most for it.
	Because int64
	// Weight is from 0 to 1.
	Weight float32
}

// CoLikes puts together what is similar to the videos that a viewer likes: at most so many, best first. What they like is left out.
func CoLikes(liked []int64, related map[int64][]Similar, most int) []CoLiked {
	type sum struct {
		all, best float32
		because   int64
	}
	sums := map[int64]sum{}
	for _, of := range liked {
		for _, s := range related[of] {
			c := sums[s.ID]
			if c.all += s.Weight; s.Weight > c.best {
				c.best, c.because = s.Weight, of
			}
			sums[s.ID] = c
		}
	}
	for _, id := range liked {
		delete(sums, id)
	}
	out := make([]CoLiked, 0, len(sums))
	for id, c := range sums {
		out = append(out, CoLiked{ID: id, Because: c.because, Weight: float32(1 - math.Exp(-1.5*float64(c.all)))})
	}
	slices.SortFunc(out, func(a, b CoLiked) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.ID, a.ID)) })
	return out[:min(len(out), most)]
}

// Own is a candidate for one viewer, weighed as far as it does not change while a taste is kept.
type Own struct {
	ID, AuthorID, PublishedMs int64
	Base
	// CoLiked and Tagged are weighed. Because and Tag say of which video and which tag they are.
	CoLiked, Tagged float32
	Because         int64
	Tag             string
}

// OwnOf weighs candidates of one viewer: those of co, and others, of followed users or with tags that the viewer likes. videos has what is
// known of them; one that it does not have is left out. Each comes once, by ascending id.
func OwnOf(scale Scale, tags []TagTaste, co []CoLiked, others []int64, videos map[int64]Video) []Own {
	byTag := make(map[string]float32, len(tags))
	for _, t := range tags {
		byTag[t.Tag] = t.Weight
	}
	type candidate struct {
		id int64
		co int // the place in co, 0 for none
	}
	all := make([]candidate, 0, len(co)+len(others))
	for i, c := range co {
		all = append(all, candidate{c.ID, i + 1})
	}
	for _, id := range others {
		all = append(all, candidate{id: id})
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.co, a.co)) })
	all = slices.CompactFunc(all, func(a, b candidate) bool { return a.id == b.id })
	out := make([]Own, 0, len(all))
	for _, c := range all {
		v, ok := videos[c.id]
		if !ok {
			continue
		}
		o := Own{ID: c.id, AuthorID: v.AuthorID, PublishedMs: v.PublishedMs, Base: scale.Base(v)}
		if c.co > 0 {
			o.Because, o.CoLiked = co[c.co-1].Because, co[c.co-1].Weight*float32(scale.s.Weights.CoLiked)
		}
		best := float32(0)
		for _, tag := range v.Tags {
			w := byTag[tag]
			if o.Tagged += w; w > best {
				best, o.Tag = w, tag
			}
		}
		o.Tagged = float32(scale.s.Weights.Tag) * max(-1, min(1, o.Tagged))
		out = append(out, o)
	}
	return out
}

// Cold reports whether little is known of a viewer who gave so many signs of taste.
func Cold(signs int, s config.Feeds) bool { return signs < s.ColdSignals }
