package recommend

import (
	"math"
	"math/rand/v2"
	"slices"

	"tiktok/config"
)

// Reason is why a video is shown. The numbers are those of discovery.thrift.
type Reason uint8

// The reasons.
const (
	ReasonFresh    Reason = 1
	ReasonHot      Reason = 2
	ReasonFollowed Reason = 3
	ReasonCoLiked  Reason = 4
	ReasonTag      Reason = 5
	ReasonExplore  Reason = 6
)

// Item is a video in its place.
type Item struct {
	ID, AuthorID, PublishedMs int64
	Reason                    Reason
	// Because is of ReasonCoLiked: the video that the viewer likes.
	Because int64
	// Tag is of ReasonTag.
	Tag string
	// Break says that a page ends before it: otherwise one author had too many in a page.
	Break bool
}

// Viewer is for whom is ranked. The zero value is a visitor.
type Viewer struct {
	// Tags and Authors are their taste.
	Tags    []TagTaste
	Authors []AuthorTaste
	// Follows are ids, ascending.
	Follows []int64
	// Signs is how many likes and finishes are known.
	Signs int
	// Out are lists of ids, each ascending, that are left out.
	Out [][]int64
}

// Candidates is what is ranked.
type Candidates struct {
	Pool *Pool
	// Own are the viewer's, by ascending id, at most 32,767. Some may be in Pool, too.
	Own []Own
}

// ranking is one call of Rank.
type ranking struct {
	Candidates
	s       config.Feeds
	follows []int64
	// of each candidate, the pool's first
	score, tag []float32
	out        []bool
	// most is what the tag at tagOf weighs, of those of the pool.
	most  []float32
	tagOf []int32
	// inOwn is the place in Own, from 1 on, of those of the pool that are there, too.
	inOwn []int16
	tags  []TagTaste
	// liking are the authors of the taste.
	liking []AuthorTaste
	items  []Item
	// authors are those of items.
	authors []int64
	// rest are the keys of what is not in order yet.
	rest []uint64
	// broken is the place of the last break.
	broken int
}

// Rank orders at most RunSize candidates. The same input, with the same state of r, has the same result.
func Rank(v Viewer, c Candidates, s config.Feeds, r *rand.Rand) []Item {
	n := c.Pool.Len() + len(c.Own)
	floats := make([]float32, 3*n)
	k := &ranking{
		Candidates: c, s: s, follows: v.Follows, tags: v.Tags, liking: v.Authors,
		score: floats[:n], tag: floats[n : 2*n], most: floats[2*n:], out: make([]bool, n), tagOf: make([]int32, c.Pool.Len()),
	}
	k.weigh()
	k.leaveOut(v.Out)
	k.place(v, r)
	return k.items
}

// weigh computes all scores.
func (k *ranking) weigh() {
	p, size := k.Pool, k.Pool.Len()
	for i := range size {
		k.score[i] = p.base[i].Fresh + p.base[i].Hot
		k.tagOf[i] = -1
	}
	for t, taste := range k.tags {
		for _, at := range p.byTag[taste.Tag] {
			k.tag[at] += taste.Weight
			if taste.Weight > k.most[at] {
				k.most[at], k.tagOf[at] = taste.Weight, int32(t)
			}
		}
	}
	weight := float32(k.s.Weights.Tag)
	for i := range size {
		k.tag[i] = weight * max(-1, min(1, k.tag[i]))
		k.score[i] += k.tag[i]
	}
	for _, author := range k.follows {
		for _, at := range p.byAuthor[author] {
			k.score[at] += k.followed(p.base[at])
		}
	}
	weight = float32(k.s.Weights.Author)
	byAuthor := make(map[int64]float32, len(k.liking))
	for _, a := range k.liking {
		byAuthor[a.ID] = weight * a.Weight
		for _, at := range p.byAuthor[a.ID] {
			k.score[at] += weight * a.Weight
		}
	}
	place := 0
	for i, o := range k.Own {
		at := size + i
		k.tag[at] = o.Tagged
		k.score[at] = o.Fresh + o.Hot + o.Tagged + o.CoLiked + byAuthor[o.AuthorID]
		if k.follow(o.AuthorID) {
			k.score[at] += k.followed(o.Base)
		}
		for place < size && p.ids[place] < o.ID {
			place++
		}
		if place < size && p.ids[place] == o.ID { // it stands for both
			k.out[at] = true
			k.score[place] += o.CoLiked
			if k.inOwn == nil {
				k.inOwn = make([]int16, size)
			}
			k.inOwn[place] = int16(i + 1)
		}
	}
}

func (k *ranking) follow(author int64) bool {
	_, ok := slices.BinarySearch(k.follows, author)
	return ok
}

// followed is what it adds that the viewer follows the author.
func (k *ranking) followed(b Base) float32 {
	fresh := float32(0)
	if k.s.Weights.Fresh > 0 {
		fresh = b.Fresh / float32(k.s.Weights.Fresh)
	}
	return float32(k.s.Weights.Followed) * (0.5 + 0.5*fresh)
}

// leaveOut marks what is not shown.
func (k *ranking) leaveOut(lists [][]int64) {
	size := k.Pool.Len()
	for _, out := range lists {
		i := 0
		for at, id := range k.Pool.ids {
			for i < len(out) && out[i] < id {
				i++
			}
			if i == len(out) {
				break
			}
			if out[i] == id {
				k.out[at] = true
			}
		}
		for at, o := range k.Own {
			if !k.out[size+at] {
				_, k.out[size+at] = slices.BinarySearch(out, o.ID)
			}
		}
	}
}

// order is the places of candidates, best first; of equal ones the newer id. It sorts as many as probably are needed: the rest comes when
// they are (sortRest).
func (k *ranking) order() (order []int32, all int) {
	keys := make([]uint64, 0, len(k.score))
	for at, score := range k.score {
		if !k.out[at] {
			keys = append(keys, uint64(^ordered(score))<<32|uint64(math.MaxUint32-uint32(at)))
		}
	}
	if first := 2 * k.s.RunSize; first < len(keys) {
		least(keys, first)
		keys, k.rest = keys[:first], keys[first:]
	}
	slices.Sort(keys)
	return places(make([]int32, 0, len(keys)), keys), len(keys) + len(k.rest)
}

// sortRest appends what is not in order yet, and reports whether there was anything.
func (k *ranking) sortRest(order *[]int32) bool {
	if len(k.rest) == 0 {
		return false
	}
	slices.Sort(k.rest)
	*order, k.rest = places(*order, k.rest), nil
	return true
}

func places(order []int32, keys []uint64) []int32 {
	for _, key := range keys {
		order = append(order, int32(math.MaxUint32-uint32(key)))
	}
	return order
}

// least moves the n least of all to the front, in no order. No two are the same.
func least(all []uint64, n int) {
	for from, to := 0, len(all); to-from > 1; {
		a, b, c := all[from], all[from+(to-from)/2], all[to-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := from, to-1
		for i <= j {
			for all[i] < pivot {
				i++
			}
			for all[j] > pivot {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i, j = i+1, j-1
			}
		}
		switch { // from…j, i…to
		case n <= j:
			to = j + 1
		case n >= i:
			from = i
		default:
			return
		}
	}
}

// ordered are bits that have the order of floats.
func ordered(f float32) uint32 {
	b := math.Float32bits(f)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// place fills the places: with the best that may be there, and a share of them by chance with what few have seen.
func (k *ranking) place(v Viewer, r *rand.Rand) {
	order, all := k.order()
	share := k.s.ExploreShare
	if Cold(v.Signs, k.s) {
		share = k.s.ColdExploreShare
	}
	explore := slices.DeleteFunc(slices.Clone(k.Pool.explore), func(at int32) bool { return k.out[at] })
	most := min(k.s.RunSize, all)
	k.items, k.authors = make([]Item, 0, most), make([]int64, 0, most)
	due := r.Float64()
	for len(k.items) < most {
		if due += share; due >= 1 {
			due--
			if at, ok := k.draw(&explore, r); ok {
				k.put(at, ReasonExplore)
				continue
			}
		}
		at, ok := k.best(&order)
		if !ok {
			break
		}
		k.put(at, k.reason(at))
	}
}

// best is the best candidate that may come now. Where there is none the list breaks, if anything is left.
func (k *ranking) best(order *[]int32) (int32, bool) {
	for {
		skipped := 0
		for i, at := range *order {
			switch {
			case k.out[at]:
			case k.fits(k.author(at)):
				if skipped == 0 {
					*order = (*order)[i+1:]
				}
				return at, true
			default:
				skipped++
			}
		}
		switch {
		case k.sortRest(order):
		case skipped == 0:
			return 0, false
		default:
			k.broken = len(k.items)
		}
	}
}

// draw takes some of explore by chance, and returns that of them whose tags the viewer likes most.
func (k *ranking) draw(explore *[]int32, r *rand.Rand) (best int32, ok bool) {
	const draws, tries = 4, 16
	found := 0
	for range tries {
		if len(*explore) == 0 || found == draws {
			break
		}
		i := r.IntN(len(*explore))
		at := (*explore)[i]
		if k.out[at] { // it has its place
			last := len(*explore) - 1
			(*explore)[i], *explore = (*explore)[last], (*explore)[:last]
			continue
		}
		if !k.fits(k.Pool.authors[at]) {
			continue
		}
		if found++; !ok || k.tag[at] > k.tag[best] {
			best, ok = at, true
		}
	}
	return best, ok
}

// fits reports whether one more video of an author may come now.
func (k *ranking) fits(author int64) bool {
	n := 0
	for _, id := range k.authors[max(k.broken, len(k.authors)-k.s.PageSize+1):] {
		if id == author {
			n++
		}
	}
	return n < k.s.AuthorCap
}

func (k *ranking) author(at int32) int64 {
	if size := k.Pool.Len(); int(at) >= size {
		return k.Own[int(at)-size].AuthorID
	}
	return k.Pool.authors[at]
}

// own is the own candidate at a place.
func (k *ranking) own(at int32) (Own, bool) {
	if size := k.Pool.Len(); int(at) >= size {
		return k.Own[int(at)-size], true
	}
	if k.inOwn == nil || k.inOwn[at] == 0 {
		return Own{}, false
	}
	return k.Own[k.inOwn[at]-1], true
}

func (k *ranking) base(at int32) Base {
	if size := k.Pool.Len(); int(at) >= size {
		return k.Own[int(at)-size].Base
	}
	return k.Pool.base[at]
}

// leastFresh is how new a video at least is of which it is told: six half-lives old.
const leastFresh = 1.0 / 64

// reason is what adds most to a score.
func (k *ranking) reason(at int32) Reason {
	base := k.base(at)
	reason, most := ReasonFresh, base.Fresh
	more := func(r Reason, part float32) {
		if part > most {
			reason, most = r, part
		}
	}
	more(ReasonHot, base.Hot)
	if k.follow(k.author(at)) {
		more(ReasonFollowed, k.followed(base))
	}
	if o, ok := k.own(at); ok {
		more(ReasonCoLiked, o.CoLiked)
	}
	more(ReasonTag, k.tag[at])
	if reason != ReasonFresh || most >= leastFresh*float32(k.s.Weights.Fresh) {
		return reason
	}
	if int(at) < k.Pool.Len() && k.Pool.few[at] { // nothing speaks for it but that its turn has come
		return ReasonExplore
	}
	return ReasonHot
}

// put puts a candidate into the next place.
func (k *ranking) put(at int32, reason Reason) {
	it := Item{AuthorID: k.author(at), Reason: reason, Break: len(k.items) > 0 && k.broken == len(k.items)}
	own, _ := k.own(at)
	if size := k.Pool.Len(); int(at) >= size {
		it.ID, it.PublishedMs = own.ID, own.PublishedMs
	} else {
		it.ID, it.PublishedMs = k.Pool.ids[at], k.Pool.published[at]
	}
	switch reason {
	case ReasonCoLiked:
		it.Because = own.Because
	case ReasonTag:
		it.Tag = own.Tag
		if int(at) < len(k.tagOf) && k.tagOf[at] >= 0 {
			it.Tag = k.tags[k.tagOf[at]].Tag
		}
	}
	k.out[at] = true
	k.items, k.authors = append(k.items, it), append(k.authors, it.AuthorID)
}
