package recommend_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/recommend"
	"tiktok/config"
	"tiktok/kitex_gen/discovery"
)

var now = time.UnixMilli(1_800_000_000_000) //nolint:gochecknoglobals // a constant of the tests

func settings() config.Feeds { return config.Default().Discovery.Feeds }

const halfLife = 24 * time.Hour

// world is a random input of Rank.
type world struct {
	videos map[int64]recommend.Video
	viewer recommend.Viewer
	recommend.Candidates
	s config.Feeds
}

func sorted(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func draw(r *rand.Rand) world {
	w := world{videos: map[int64]recommend.Video{}, s: settings()}
	w.s.PageSize = 1 + r.IntN(40)
	w.s.AuthorCap = 1 + r.IntN(min(3, w.s.PageSize))
	w.s.RunSize = w.s.PageSize + r.IntN(100)
	w.s.AuthorFresh = 1 + r.IntN(30)
	authors := 1 + r.IntN(60)
	video := func(id int64) recommend.Video {
		v := recommend.Video{
			ID: id, AuthorID: 1 + r.Int64N(int64(authors)), PublishedMs: now.UnixMilli() - r.Int64N(10*86_400_000), Views: r.Int64N(100),
		}
		if r.IntN(2) == 0 {
			v.Heat = heat.Add(0, 1+9*r.Float64(), v.PublishedMs, halfLife)
		}
		for range r.IntN(4) {
			v.Tags = append(v.Tags, fmt.Sprint("t", r.IntN(20)))
		}
		slices.Sort(v.Tags)
		v.Tags = slices.Compact(v.Tags)
		w.videos[id] = v
		return v
	}
	var fresh, hot []recommend.Video
	for id := range int64(r.IntN(400)) {
		switch v := video(id + 1); {
		case r.IntN(3) > 0:
			fresh = append(fresh, v)
		case r.IntN(3) > 0:
			hot = append(hot, v)
		default:
			fresh, hot = append(fresh, v), append(hot, v)
		}
	}
	w.Pool = recommend.NewPool(now, fresh, hot, halfLife, w.s)
	for t := range 20 {
		if r.IntN(3) == 0 {
			w.viewer.Tags = append(w.viewer.Tags, recommend.TagTaste{Tag: fmt.Sprint("t", t), Weight: 2*r.Float32() - 1})
		}
	}
	for a := range int64(authors) {
		if r.IntN(4) == 0 {
			w.viewer.Authors = append(w.viewer.Authors, recommend.AuthorTaste{ID: a + 1, Weight: 2*r.Float32() - 1})
		}
		if r.IntN(4) == 0 {
			w.viewer.Follows = append(w.viewer.Follows, a+1)
		}
	}
	var co []recommend.CoLiked
	var others []int64
	for range r.IntN(60) {
		id := 1 + r.Int64N(600)
		if _, ok := w.videos[id]; !ok {
			video(id)
		}
		if r.IntN(2) == 0 {
			co = append(co, recommend.CoLiked{ID: id, Because: 1_000_000 + id, Weight: r.Float32()})
		} else {
			others = append(others, id)
		}
	}
	w.Own = recommend.OwnOf(w.Pool.Scale, w.viewer.Tags, co, others, w.videos)
	for range r.IntN(4) {
		var out []int64
		for range r.IntN(100) {
			out = append(out, 1+r.Int64N(600))
		}
		w.viewer.Out = append(w.viewer.Out, sorted(out))
	}
	w.viewer.Signs = r.IntN(20)
	return w
}

// Whatever goes in: nothing comes twice, nothing that is left out comes, of no author more than the cap in any row of a page's size,
// there are at most RunSize, all that could come comes when there is room, and each says why.
func TestRankKeepsItsPromises(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := draw(r)
		items := recommend.Rank(w.viewer, w.Candidates, w.s, rand.New(rand.NewPCG(seed, 8)))
		if again := recommend.Rank(w.viewer, w.Candidates, w.s, rand.New(rand.NewPCG(seed, 8))); !reflect.DeepEqual(items, again) {
			t.Fatalf("seed %d: the same input has another result", seed)
		}
		if len(items) > w.s.RunSize {
			t.Fatalf("seed %d: %d items, at most %d", seed, len(items), w.s.RunSize)
		}
		out := slices.Concat(w.viewer.Out...)
		there, from := map[int64]bool{}, 0
		for i, it := range items {
			v := w.videos[it.ID]
			if there[it.ID] || slices.Contains(out, it.ID) || v.AuthorID != it.AuthorID || v.PublishedMs != it.PublishedMs {
				t.Fatalf("seed %d: %+v at %d is of %+v, repeated or left out", seed, it, i, v)
			}
			there[it.ID] = true
			if it.Break {
				from = i
			}
			same := 0
			for _, other := range items[max(from, i-w.s.PageSize+1) : i+1] {
				if other.AuthorID == it.AuthorID {
					same++
				}
			}
			if same > w.s.AuthorCap {
				t.Fatalf("seed %d: %d of one author up to place %d, at most %d", seed, same, i, w.s.AuthorCap)
			}
			why(t, w, it)
		}
		all := map[int64]bool{}
		for _, it := range w.Pool.Newest(now.UnixMilli()+1, 0, 10_000) {
			all[it.ID] = true
		}
		for _, o := range w.Own {
			all[o.ID] = true
		}
		for _, id := range out {
			delete(all, id)
		}
		if want := min(len(all), w.s.RunSize); len(items) != want {
			t.Fatalf("seed %d: %d items of %d that could come, at most %d", seed, len(items), len(all), w.s.RunSize)
		}
	}
}

// why checks that a reason is true.
func why(t *testing.T, w world, it recommend.Item) {
	t.Helper()
	v, ok := w.videos[it.ID], false
	switch it.Reason {
	case recommend.ReasonFresh, recommend.ReasonHot:
		ok = it.Because == 0 && it.Tag == ""
	case recommend.ReasonExplore:
		ok = v.Views < int64(w.s.ExploreViews)
	case recommend.ReasonFollowed:
		ok = slices.Contains(w.viewer.Follows, v.AuthorID)
	case recommend.ReasonCoLiked:
		ok = it.Because == 1_000_000+it.ID
	case recommend.ReasonTag:
		ok = slices.Contains(v.Tags, it.Tag) && slices.ContainsFunc(w.viewer.Tags, func(x recommend.TagTaste) bool {
			return x.Tag == it.Tag && x.Weight > 0
		})
	}
	if !ok {
		t.Fatalf("%+v of %+v", it, v)
	}
}

// The reasons are those of the interface.
func TestReasonsAreThoseOfTheInterface(t *testing.T) {
	for ours, theirs := range map[recommend.Reason]discovery.Reason{
		recommend.ReasonFresh: discovery.Reason_FRESH, recommend.ReasonHot: discovery.Reason_HOT,
		recommend.ReasonFollowed: discovery.Reason_FOLLOWED, recommend.ReasonCoLiked: discovery.Reason_CO_LIKED,
		recommend.ReasonTag: discovery.Reason_TAG, recommend.ReasonExplore: discovery.Reason_EXPLORE,
	} {
		if discovery.Reason(ours) != theirs {
			t.Errorf("%d is not %s", ours, theirs)
		}
	}
}

// videos are many videos of many authors; those with an even id have many views and are hot, the others are new.
func videos() (all []recommend.Video) {
	for id := range int64(2000) {
		v := recommend.Video{ID: id + 1, AuthorID: 1 + id%400, PublishedMs: now.UnixMilli() - id*60_000}
		if v.Tags = []string{fmt.Sprint("t", id%10)}; v.ID%2 == 0 {
			v.Views, v.Finishes, v.Likes, v.Heat = 500, 300, 100, heat.Add(0, 50+float64(id%100), now.UnixMilli()-3_600_000, halfLife)
		}
		all = append(all, v)
	}
	return all
}

func count(items []recommend.Item, reason recommend.Reason) (n int) {
	for _, it := range items {
		if it.Reason == reason {
			n++
		}
	}
	return n
}

// The share of places that is for videos that few have seen is kept, of every page, and by chance all of them come.
func TestExploringHasItsShare(t *testing.T) {
	s, seen := settings(), map[int64]bool{}
	s.FreshSize = 2000
	pool := recommend.NewPool(now, videos(), nil, halfLife, s)
	for seed := range uint64(300) {
		for signs, share := range map[int]float64{0: s.ColdExploreShare, s.ColdSignals: s.ExploreShare} {
			items := recommend.Rank(recommend.Viewer{Signs: signs}, recommend.Candidates{Pool: pool}, s, rand.New(rand.NewPCG(seed, 1)))
			for page := range slices.Chunk(items, s.PageSize) {
				want := share * float64(len(page))
				if got := float64(count(page, recommend.ReasonExplore)); got < want-1 || got > want+1 {
					t.Fatalf("%g of %d places are for exploring, want %g", got, len(page), want)
				}
				for _, it := range page {
					if it.Reason == recommend.ReasonExplore {
						seen[it.ID] = true
					}
				}
			}
		}
	}
	if len(seen) < 950 {
		t.Errorf("%d of 1000 videos without views were shown for exploring", len(seen))
	}
}

// Taste, follows and co-likes bring what they are for to the front, and say so.
func TestEachSourceCounts(t *testing.T) {
	s := settings()
	s.FreshSize, s.ExploreShare, s.ColdExploreShare = 2000, 0, 0
	pool := recommend.NewPool(now, videos(), nil, halfLife, s)
	known := map[int64]recommend.Video{}
	for _, v := range videos() {
		known[v.ID] = v
	}
	rank := func(v recommend.Viewer, own []recommend.Own) []recommend.Item {
		return recommend.Rank(v, recommend.Candidates{Pool: pool, Own: own}, s, rand.New(rand.NewPCG(1, 1)))[:10]
	}
	if items := rank(recommend.Viewer{}, nil); count(items, recommend.ReasonHot)+count(items, recommend.ReasonFresh) != 10 {
		t.Errorf("a visitor gets %+v", items)
	}
	if items := rank(recommend.Viewer{Tags: []recommend.TagTaste{{Tag: "t3", Weight: 1}}}, nil); count(items, recommend.ReasonTag) != 10 {
		t.Errorf("who likes t3 gets %+v", items)
	}
	if items := rank(recommend.Viewer{Follows: []int64{10, 20, 30, 40, 50}}, nil); count(items, recommend.ReasonFollowed) != 10 {
		t.Errorf("who follows five gets %+v", items)
	}
	co := []recommend.CoLiked{{ID: 1001, Because: 5, Weight: 1}, {ID: 77, Because: 6, Weight: 0.9}}
	items := rank(recommend.Viewer{}, recommend.OwnOf(pool.Scale, nil, co, nil, known))
	if count(items, recommend.ReasonCoLiked) != 2 || items[0].Because+items[1].Because != 11 {
		t.Errorf("who likes 5 and 6 gets %+v", items)
	}
	for _, it := range rank(recommend.Viewer{Tags: []recommend.TagTaste{{Tag: "t3", Weight: -1}}}, nil) {
		if known[it.ID].Tags[0] == "t3" {
			t.Errorf("who leaves t3 gets %+v", it)
		}
	}
}

func TestTags(t *testing.T) {
	var signals []recommend.Signal
	add := func(value float64, tags ...string) {
		signals = append(signals, recommend.Signal{Value: value, Video: recommend.Video{Tags: tags}})
	}
	for range 5 {
		add(recommend.Liked, "cats", "all")
		add(recommend.Watched, "cars", "all")
		add(recommend.Watched, "boats", "all")
	}
	weights := map[string]float32{}
	tags, _ := recommend.Tastes(signals)
	for _, w := range tags {
		weights[w.Tag] = w.Weight
	}
	if weights["cats"] < 0.4 || weights["cars"] > -0.2 || weights["all"] > 0.01 || weights["all"] < -0.01 {
		t.Errorf("%v", weights)
	}
	// Of whom only likes are known.
	if only, _ := recommend.Tastes(signals[:1]); len(only) != 2 || only[0].Weight <= 0 {
		t.Errorf("%v", only)
	}
}

func TestRelated(t *testing.T) {
	got := recommend.Related(20, 20, map[int64]int{7: 15, 8: 15, 9: 1}, map[int64]int64{7: 20, 8: 5000, 9: 20}, 2)
	if len(got) != 2 || got[0].ID != 7 || got[1].Weight >= got[0].Weight {
		t.Errorf("%v", got)
	}
	co := recommend.CoLikes([]int64{1, 2}, map[int64][]recommend.Similar{1: {{5, 0.5}, {2, 0.9}, {6, 0.3}}, 2: {{5, 0.4}}}, 10)
	if len(co) != 2 || co[0].ID != 5 || co[0].Because != 1 || co[1].ID != 6 || co[0].Weight <= co[1].Weight {
		t.Errorf("%v", co)
	}
}

func BenchmarkRank(b *testing.B) {
	s := settings()
	all := videos()
	pool := recommend.NewPool(now, all[:1000], all[1000:1500], halfLife, s)
	known := map[int64]recommend.Video{}
	var co []recommend.CoLiked
	for _, v := range all {
		if known[v.ID] = v; v.ID%10 == 0 {
			co = append(co, recommend.CoLiked{ID: v.ID, Because: 1, Weight: float32(v.ID%7) / 7})
		}
	}
	v := recommend.Viewer{
		Tags: []recommend.TagTaste{{"t1", 0.9}, {"t2", 0.7}, {"t4", 0.5}, {"t7", -0.2}, {"t9", -0.9}}, Signs: 100,
	}
	for a := range int64(100) {
		v.Follows = append(v.Follows, 1+2*a)
	}
	for id := int64(1); id < 4000; id += 2 {
		v.Out = append(v.Out, nil)
		v.Out[0] = append(v.Out[0], id)
	}
	v.Out = v.Out[:1]
	own := recommend.OwnOf(pool.Scale, v.Tags, co, nil, known)
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		recommend.Rank(v, recommend.Candidates{Pool: pool, Own: own}, s, r)
	}
}

// Together is what counting says, and of too many what most like, of equal ones the newer.
func TestTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, users := range []int{0, 1, 3, 24, 300} {
		var likers []int64
		liked, want := map[int64][]int64{}, map[int64]int{}
		for u := range int64(users) {
			likers = append(likers, u)
			for range 24 {
				id := 1 + r.Int64N(1<<uint(1+r.IntN(52)))
				if !slices.Contains(liked[u], id) {
					liked[u] = append(liked[u], id)
					want[id]++
				}
			}
		}
		delete(want, 2)
		ids := slices.SortedFunc(maps.Keys(want), func(a, b int64) int {
			return cmp.Or(cmp.Compare(want[b], want[a]), cmp.Compare(b, a))
		})
		for _, id := range ids[min(90, len(ids)):] {
			delete(want, id)
		}
		if got := recommend.Together(2, likers, liked, 90); !maps.Equal(got, want) {
			t.Errorf("%d users: %v, want %v", users, got, want)
		}
	}
}
