package feed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/heat"
	"tiktok/cmd/discovery/recommend"
	"tiktok/cmd/discovery/visible"
	"tiktok/config"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// counting is a cache that counts its round trips, and can be away.
type counting struct {
	kv.Store
	trips atomic.Int64
	away  atomic.Bool
}

var errAway = errors.New("the cache is away")

func (c *counting) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	if c.trips.Add(1); c.away.Load() {
		return nil, errAway
	}
	return c.Store.MGet(ctx, keys)
}

func (c *counting) Set(ctx context.Context, items []kv.Item) error {
	if c.trips.Add(1); c.away.Load() {
		return errAway
	}
	return c.Store.Set(ctx, items)
}

// fixture is Feeds on a database and a cache, with a clock of the test's.
type fixture struct {
	*Feeds
	t     testing.TB
	store *db.Store
	cache *counting
	now   time.Time
	seen  map[int64][]int64
	// count counts statements.
	count func() int
}

func on(t testing.TB, sql *sqldb.DB, cache kv.Store, change ...func(*Deps)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, store: db.New(sql), cache: &counting{Store: cache}, now: time.UnixMilli(1_800_000_000_000), seen: map[int64][]int64{},
	}
	d := Deps{
		Store: f.store, Cache: f.cache, Visible: visible.New(f.store, telemetry.Discard().Log, func() time.Time { return f.now }),
		Seen:     func(context.Context, []int64) (map[int64][]int64, error) { return f.seen, nil },
		Settings: config.Default().Discovery.Feeds, HalfLife: 24 * time.Hour,
		Log: telemetry.Discard().Log, Metrics: telemetry.Discard().Registry, Now: func() time.Time { return f.now },
	}
	for _, c := range change {
		c(&d)
	}
	f.Feeds = New(d)
	return f
}

// each runs a test on SQLite with a cache in memory, and on what is at hand of MySQL with Redis.
func each(t *testing.T, fn func(t *testing.T, f *fixture), change ...func(*Deps)) {
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		cache := kvtest.Shared(t)
		if addr := os.Getenv("TIKTOK_TEST_REDIS"); addr != "" && !sql.IsSQLite() {
			s, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			cache = kvtest.NewPrefixed(s, fmt.Sprint(t.Name(), rand.Int64()))
		}
		f := on(t, sql, cache, change...)
		f.count = sqldbtest.CountStatements(sql)
		fn(t, f)
	})
}

func create[T any](f *fixture, rows []T) {
	f.t.Helper()
	if len(rows) == 0 {
		return
	}
	if err := f.store.Write.CreateInBatches(&rows, 1000).Error; err != nil {
		f.t.Fatal(err)
	}
}

// fill publishes videos 1..n, one a minute, the newest last, of so many authors in turn. Video i has the tag t(i mod 10); every third is
// hot.
func (f *fixture) fill(n, authors int64) {
	var videos []db.Video
	var watches []db.VideoWatches
	var tagged []db.TagVideo
	for i := int64(1); i <= n; i++ {
		at := f.now.UnixMilli() - (n-i+1)*60_000
		tag := fmt.Sprint("t", i%10)
		videos = append(videos, db.Video{ID: i, AuthorID: 1_000_000 + i%authors, Tags: tag, PublishedMs: at, Likes: i % 7})
		tagged = append(tagged, db.TagVideo{Tag: tag, PublishedMs: at, VideoID: i})
		if i%3 == 0 {
			watches = append(watches, db.VideoWatches{
				VideoID: i, AuthorID: 1_000_000 + i%authors, Views: 100, Finishes: 40, Heat: heat.Add(0, float64(1+i%50), at, f.HalfLife),
			})
		}
	}
	create(f, videos)
	create(f, watches)
	create(f, tagged)
}

func (f *fixture) ask(queries ...*discovery.FeedQuery) []*discovery.FeedAnswer {
	f.t.Helper()
	answers, err := f.Recommend(f.t.Context(), queries)
	if err != nil {
		f.t.Fatal(err)
	}
	return answers
}

func (f *fixture) page(kind discovery.Feed, viewer int64, cursor string, limit int32) *discovery.FeedAnswer {
	f.t.Helper()
	return f.ask(&discovery.FeedQuery{Feed: kind, ViewerId: viewer, Cursor: cursor, Limit: limit})[0]
}

func idsOf(a *discovery.FeedAnswer) []int64 {
	ids := make([]int64, len(a.Videos))
	for i, v := range a.Videos {
		ids[i] = v.VideoId
	}
	return ids
}

// scroll reads pages up to the end, or so many, and fails when something comes twice.
func (f *fixture) scroll(kind discovery.Feed, viewer int64, limit int32, pages int, between func()) (all []int64) {
	f.t.Helper()
	cursor, there := "", map[int64]bool{}
	for range pages {
		a := f.page(kind, viewer, cursor, limit)
		for _, id := range idsOf(a) {
			if there[id] {
				f.t.Fatalf("%d is there twice, %d videos after the first", id, len(all))
			}
			there[id] = true
			all = append(all, id)
		}
		if cursor = a.NextCursor; cursor == "" {
			return all
		}
		if between != nil {
			between()
		}
	}
	return all
}

// A viewer scrolls through everything there is, nothing comes twice, whatever is ranked anew meanwhile, and the cap of authors is kept in
// each page.
func TestScrollingForYou(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(900, 300)
		for viewer, between := range map[int64]func(){
			1: nil,
			2: func() { f.now = f.now.Add(50 * time.Second) },
			3: func() { f.now = f.now.Add(2 * f.Settings.RerankAfter) },
			4: func() { _ = f.cache.Delete(t.Context(), []string{shownKey(5)}) },
		} {
			all := f.scroll(discovery.Feed_FOR_YOU, viewer, 30, 100, between)
			if len(all) != 900 {
				t.Errorf("viewer %d got %d of 900 videos", viewer, len(all))
			}
			for page := range slices.Chunk(all, 30) {
				authors := map[int64]int{}
				for _, id := range page {
					if authors[id%300]++; authors[id%300] > f.Settings.AuthorCap {
						t.Fatalf("viewer %d got too many of author %d", viewer, id%300)
					}
				}
			}
		}
	}, func(d *Deps) { d.Settings.Remember = 900 })
}

// What was shown does not come again when a viewer begins anew, and what was watched never does.
func TestForYouLeavesOutWhatWasSeen(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(100, 100)
		first := idsOf(f.page(discovery.Feed_FOR_YOU, 7, "", 30))
		f.watched(7, 50, 60, 70)
		second := idsOf(f.page(discovery.Feed_FOR_YOU, 7, "", 30))
		for _, id := range second {
			if slices.Contains(first, id) || slices.Contains(f.seen[7], id) {
				t.Errorf("%d comes again", id)
			}
		}
		if len(first) != 30 || len(second) != 30 {
			t.Fatalf("pages of %d and %d videos", len(first), len(second))
		}
		f.page(discovery.Feed_FOR_YOU, 7, "", 30)
		// Hardly any is left: what was shown, and not watched, may come again, but not in one scroll, and nothing that was watched.
		if all := f.scroll(discovery.Feed_FOR_YOU, 7, 30, 20, nil); len(all) < 30 || slices.Contains(all, 50) {
			t.Errorf("%v", all)
		}
		var all []int64
		for id := int64(1); id <= 100; id++ {
			all = append(all, id)
		}
		f.watched(7, all...)
		if a := f.page(discovery.Feed_FOR_YOU, 7, "", 30); len(a.Videos) > 0 || a.NextCursor != "" {
			t.Errorf("who has watched all gets %v", a)
		}
	})
}

// Who begins again soon goes on in their run, which costs no ranking, until they have liked, watched or followed something, or it is old.
func TestForYouBeginsAgain(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(300, 300)
		shown := map[int64]bool{}
		begin := func(want string) {
			t.Helper()
			ranked, run := f.counted("ranked"), f.counted("run")
			for _, id := range idsOf(f.page(discovery.Feed_FOR_YOU, 7, "", 20)) {
				if shown[id] {
					t.Errorf("%d comes again", id)
				}
				shown[id] = true
			}
			if got := fmt.Sprintf("%d ranked, %d of a run", f.counted("ranked")-ranked, f.counted("run")-run); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		begin("1 ranked, 0 of a run")
		f.now = f.now.Add(time.Second)
		begin("0 ranked, 1 of a run")
		f.Changed(t.Context(), []int64{7})
		f.now = f.now.Add(time.Second)
		begin("1 ranked, 0 of a run")
		f.now = f.now.Add(time.Second)
		begin("0 ranked, 1 of a run")
		f.now = f.now.Add(2 * f.Settings.RerankAfter)
		begin("1 ranked, 0 of a run")
		if len(shown) != 100 {
			t.Errorf("%d videos", len(shown))
		}
	})
}

// counted is how many pages of For you were made from something.
func (f *fixture) counted(from string) int {
	return int(testutil.ToFloat64(f.pages.WithLabelValues(discovery.Feed_FOR_YOU.String(), from)))
}

// watched says what a user has watched.
func (f *fixture) watched(user int64, videos ...int64) {
	f.seen[user] = videos
	f.Changed(context.Background(), []int64{user})
}

// likes stores likes, whose times ascend.
func (f *fixture) likes(user int64, videos ...int64) {
	rows := make([]db.Like, len(videos))
	for i, id := range videos {
		rows[i] = db.Like{UserID: user, VideoID: id, Liked: true, AtMs: f.now.UnixMilli() - int64(len(videos)-i)}
	}
	create(f, rows)
}

// A new user gets what is new and hot; what they like then makes the next page, at once.
func TestForYouLearns(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(900, 300)
		before := f.page(discovery.Feed_FOR_YOU, 7, "", 30)
		for _, v := range before.Videos {
			if v.Reason != discovery.Reason_FRESH && v.Reason != discovery.Reason_HOT && v.Reason != discovery.Reason_EXPLORE {
				t.Errorf("a new user gets %v", v)
			}
		}
		for user := int64(100); user < 110; user++ { // ten who like the same
			f.likes(user, 3, 13, 331, 442)
		}
		f.likes(7, 3, 13, 23)
		create(f, []db.Follow{{UserID: 7, ToUserID: 1_000_200, Following: true}})
		f.Changed(t.Context(), []int64{7})
		reasons := map[discovery.Reason]int{}
		for _, v := range f.page(discovery.Feed_FOR_YOU, 7, "", 30).Videos {
			reasons[v.Reason]++
			switch v.Reason {
			case discovery.Reason_TAG:
				if v.Tag != "t3" || v.VideoId%10 != 3 {
					t.Errorf("%v", v)
				}
			case discovery.Reason_CO_LIKED:
				if v.VideoId != 331 && v.VideoId != 442 || v.BecauseOfVideoId != 3 && v.BecauseOfVideoId != 13 {
					t.Errorf("%v", v)
				}
			case discovery.Reason_FOLLOWED:
				if v.VideoId%300 != 200 {
					t.Errorf("%v", v)
				}
			}
		}
		if reasons[discovery.Reason_TAG] < 5 || reasons[discovery.Reason_CO_LIKED] != 2 || reasons[discovery.Reason_FOLLOWED] == 0 {
			t.Errorf("reasons are %v", reasons)
		}
	})
}

// Without the cache the feed goes on: the newest videos, none twice. Without what was watched, or tastes, it goes on, too.
func TestForYouGoesOn(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(200, 100)
		f.cache.away.Store(true)
		all := f.scroll(discovery.Feed_FOR_YOU, 7, 30, 20, nil)
		if len(all) != 200 || all[0] != 200 || all[199] != 1 {
			t.Errorf("%d videos: %v", len(all), all)
		}
		if visitors := f.scroll(discovery.Feed_FOR_YOU, 0, 30, 20, nil); len(visitors) != 200 {
			t.Errorf("a visitor got %d videos", len(visitors))
		}
		f.cache.away.Store(false)
		f.Seen = func(context.Context, []int64) (map[int64][]int64, error) { return nil, errAway }
		if a := f.page(discovery.Feed_FOR_YOU, 8, "", 30); len(a.Videos) != 30 {
			t.Errorf("%d videos without what was watched", len(a.Videos))
		}
	})
}

// The hot feed has the order of heat. Pages do not repeat while it changes; it is the same for everybody.
func TestHot(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(300, 100)
		r := rand.New(rand.NewPCG(1, 1))
		all := f.scroll(discovery.Feed_HOT, 7, 20, 20, func() {
			f.now = f.now.Add(f.Settings.PoolFor)
			id := 3 * (1 + r.Int64N(100))
			err := f.store.Write.Model(&db.VideoWatches{}).Where("video_id = ?", id).Update("heat", r.Float64()*2e12).Error
			if err != nil {
				t.Fatal(err)
			}
		})
		if len(all) != 100 {
			t.Errorf("%d videos, want the 100 that are hot", len(all))
		}
		for range 3 { // at the end
			if a, b := f.page(discovery.Feed_HOT, 0, "", 20), f.page(discovery.Feed_HOT, 9, "", 20); !reflect.DeepEqual(a, b) {
				t.Errorf("%v is not %v", a, b)
			}
		}
	})
}

// A visitor's feed does not repeat.
func TestVisitorsFeed(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(300, 150)
		if all := f.scroll(discovery.Feed_FOR_YOU, 0, 30, 20, func() { f.now = f.now.Add(time.Second) }); len(all) != 300 {
			t.Errorf("%d videos", len(all))
		}
		if a := f.page(discovery.Feed_FOLLOWING, 0, "", 30); len(a.Videos) != 0 || a.NextCursor != "" {
			t.Errorf("a visitor follows %v", a)
		}
	})
}

// Who follows few, and who follows many, get the same: the newest of those whom they follow, in pages.
func TestFollowing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(600, 60)
		var follows []db.Follow
		want := []int64{}
		for a := range int64(30) {
			follows = append(follows, db.Follow{UserID: 7, ToUserID: 1_000_000 + a, Following: true})
		}
		for a := range int64(10) {
			follows = append(follows, db.Follow{UserID: 8, ToUserID: 1_000_000 + a, Following: true})
		}
		create(f, follows)
		for id := int64(600); id >= 1; id-- {
			if id%60 < 30 {
				want = append(want, id)
			}
		}
		if got := f.scroll(discovery.Feed_FOLLOWING, 7, 30, 100, nil); !slices.Equal(got, want) {
			t.Errorf("%d videos by a timeline, want %d", len(got), len(want))
		}
		want = slices.DeleteFunc(want, func(id int64) bool { return id%60 >= 10 })
		if got := f.scroll(discovery.Feed_FOLLOWING, 8, 30, 100, nil); !slices.Equal(got, want) {
			t.Errorf("%d videos by pulling, want %d", len(got), len(want))
		}
		if n, err := f.store.Timelines(t.Context(), []int64{7, 8}); err != nil || len(n) != 1 {
			t.Errorf("%v have a timeline, %v", n, err)
		}
		f.now = f.now.AddDate(0, 0, f.Settings.TimelineDays+1)
		if n, err := f.purgeTimelines(t.Context(), f.now); n != 1 || err != nil {
			t.Errorf("%d removed, %v", n, err)
		}
	}, func(d *Deps) { d.Settings.FollowPull = 20 })
}

// What is gone is on no page.
func TestGoneVideosVanish(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(120, 60)
		create(f, []db.Follow{{UserID: 7, ToUserID: 1_000_000, Following: true}})
		first := f.page(discovery.Feed_FOR_YOU, 7, "", 20)
		gone := map[string]any{"gone_ms": 1, "changed_seq": 5}
		if err := f.store.Write.Model(&db.Video{}).Where("id > 30 AND id <= 100").Updates(gone).Error; err != nil {
			t.Fatal(err)
		}
		f.now = f.now.Add(time.Second)
		for _, kind := range []discovery.Feed{discovery.Feed_FOR_YOU, discovery.Feed_HOT, discovery.Feed_FOLLOWING} {
			cursor := ""
			if kind == discovery.Feed_FOR_YOU {
				cursor = first.NextCursor
			}
			for pages := 0; pages == 0 || cursor != ""; pages++ {
				a := f.page(kind, 7, cursor, 20)
				for _, v := range a.Videos {
					if v.VideoId > 30 && v.VideoId <= 100 {
						t.Errorf("%s has %d", kind, v.VideoId)
					}
				}
				if cursor = a.NextCursor; pages > 50 {
					t.Fatal("there is no end")
				}
			}
		}
	})
}

// Many queries cost as many round trips as one.
func TestManyQueriesCostWhatOneCosts(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(600, 60)
		var follows []db.Follow
		for user := range int64(65) {
			f.likes(user+1, 1+user, 2+user, 3+user, 4+user)
			for a := range int64(5) {
				follows = append(follows, db.Follow{UserID: user + 1, ToUserID: 1_000_000 + a, Following: true})
			}
		}
		create(f, follows)
		f.ask(&discovery.FeedQuery{Feed: discovery.Feed_FOR_YOU, ViewerId: 0}) // the candidates of everybody
		cost := func(queries ...*discovery.FeedQuery) (statements, trips int, answers []*discovery.FeedAnswer) {
			s, c := f.count(), f.cache.trips.Load()
			answers = f.ask(queries...)
			return f.count() - s, int(f.cache.trips.Load() - c), answers
		}
		kinds := []discovery.Feed{discovery.Feed_FOR_YOU, discovery.Feed_FOLLOWING, discovery.Feed_HOT}
		queries := func(users []int64, answers []*discovery.FeedAnswer) (all []*discovery.FeedQuery) {
			for i, user := range users {
				for j, kind := range kinds {
					q := &discovery.FeedQuery{Feed: kind, ViewerId: user, Limit: 10}
					if answers != nil {
						q.Cursor = answers[3*i+j].NextCursor
					}
					all = append(all, q)
				}
			}
			return all
		}
		many := make([]int64, 32)
		for i := range many {
			many[i] = int64(i) + 2
		}
		one, oneTrips, oneAnswers := cost(queries([]int64{1}, nil)...)
		all, allTrips, answers := cost(queries(many, nil)...)
		if all > one+3 || allTrips > oneTrips+1 {
			t.Errorf("first pages: %d statements and %d round trips for 32, %d and %d for one", all, allTrips, one, oneTrips)
		}
		one, oneTrips, _ = cost(queries([]int64{1}, oneAnswers)...)
		all, allTrips, _ = cost(queries(many, answers)...)
		if all > one+2 || allTrips > oneTrips {
			t.Errorf("next pages: %d statements and %d round trips for 32, %d and %d for one", all, allTrips, one, oneTrips)
		}
	})
}

func TestCursors(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(50, 50)
		for _, cursor := range []string{"x", "1", "1-2-3", "-1-2", "1-2-3-4", strings.Repeat("9", 30) + "-1"} {
			for _, kind := range []discovery.Feed{discovery.Feed_FOR_YOU, discovery.Feed_HOT, discovery.Feed_FOLLOWING} {
				if a := f.page(kind, 7, cursor, 10); !a.BadCursor || len(a.Videos) > 0 || a.NextCursor != "" {
					t.Errorf("%s %q: %v", kind, cursor, a)
				}
			}
		}
		// One that is well-formed and of no run, or of a shelf that is lost, begins anew.
		for _, kind := range []discovery.Feed{discovery.Feed_FOR_YOU, discovery.Feed_HOT} {
			if a := f.page(kind, 7, "12345-3", 10); a.BadCursor || len(a.Videos) == 0 {
				t.Errorf("%s: %v", kind, a)
			}
			if a := f.page(kind, 7, "12345-9000000000000000000", 10); a.BadCursor {
				t.Errorf("%s: %v", kind, a)
			}
		}
		for _, q := range [][]*discovery.FeedQuery{
			nil, {nil}, {{Feed: 9}}, {{Feed: 1, ViewerId: -1}}, {{Feed: 1, Limit: 101}}, {{Feed: 1, Limit: -1}}, make([]*discovery.FeedQuery, 101),
		} {
			if _, err := f.Recommend(t.Context(), q); err == nil {
				t.Errorf("%v is answered", q)
			}
		}
	})
}

// What is kept in the cache is read as it was written; whatever else is there is no run and no taste, and breaks nothing.
func TestCachedForms(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var items []recommend.Item
		tags := []recommend.TagTaste{{Tag: "猫", Weight: 0.5}, {Tag: "b", Weight: -1}, {Tag: "c", Weight: 0.25}}
		own := taste{tags: tags, signs: r.IntN(500), follows: nil, own: []recommend.Own{}}
		own.authors = []recommend.AuthorTaste{{ID: 1<<53 - 1, Weight: -0.5}}
		for id := range r.Int64N(5) {
			own.follows = append(own.follows, id*1000+1)
		}
		for range r.IntN(50) {
			it := recommend.Item{ID: 1 + r.Int64N(1<<53-1), AuthorID: r.Int64N(1 << 53), Reason: recommend.Reason(1 + r.IntN(6))}
			it.Break = r.IntN(9) == 0
			o := recommend.Own{ID: it.ID, AuthorID: it.AuthorID, PublishedMs: r.Int64N(1 << 50), CoLiked: r.Float32(), Tagged: -r.Float32()}
			o.Fresh, o.Hot = r.Float32(), r.Float32()
			switch it.Reason {
			case recommend.ReasonTag:
				it.Tag, o.Tag = tags[r.IntN(3)].Tag, "b"
			case recommend.ReasonCoLiked:
				it.Because = 1 + r.Int64N(20)
				o.Because = it.Because
			}
			items, own.own = append(items, it), append(own.own, o)
		}
		made := newRun(1+r.Int64N(1<<52), 1_800_000_000_000, items)
		b := made.bytes()
		back, err := readRun(b)
		if err != nil || back.id != made.id || back.madeMs != made.madeMs || back.len() != len(items) {
			t.Fatalf("%v is read as %v, %v", made, back, err)
		}
		for at := 0; at < back.len(); {
			page, next := back.page(at, 1+r.IntN(10))
			for i, it := range page {
				want := items[at+i]
				if want.Break = want.Break && i > 0; it != (recommend.Item{
					ID: want.ID, AuthorID: want.AuthorID, Reason: want.Reason, Tag: want.Tag, Because: want.Because, Break: want.Break,
				}) {
					t.Fatalf("%+v is read as %+v", want, it)
				}
			}
			at = next
		}
		encoded, err := own.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var read taste
		if err := read.UnmarshalBinary(encoded); err != nil || !reflect.DeepEqual(read, own) {
			t.Fatalf("%+v is read as %+v, %v", own, read, err)
		}
		for _, bytes := range [][]byte{b, encoded} {
			cut := slices.Clone(bytes[:r.IntN(len(bytes)+1)])
			for range r.IntN(3) {
				if len(cut) > 0 {
					cut[r.IntN(len(cut))] = byte(r.IntN(256))
				}
			}
			if broken, err := readRun(cut); err == nil {
				broken.page(0, 1000)
				broken.ids(5000)
			}
			_ = new(taste).UnmarshalBinary(cut)
			_ = new(similar).UnmarshalBinary(cut)
			_, _ = readShown(cut), readReach(cut)
		}
	}
}

func TestTrending(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	day := 24 * time.Hour
	at := func(ago time.Duration) int64 { return now.Add(-ago).UnixMilli() }
	var all []recommend.Video
	add := func(author int64, tag string, ago time.Duration, likes float64) {
		v := recommend.Video{ID: int64(len(all)) + 1, AuthorID: author, Tags: []string{tag}, PublishedMs: at(ago)}
		if likes > 0 {
			v.Heat = heat.Add(0, likes, at(ago), day)
		}
		all = append(all, v)
	}
	for author := range int64(5) {
		add(author, "now", time.Hour, 10)
		add(author, "yesterday", day, 10)
	}
	for range 200 {
		add(9, "spam", time.Minute, 5)
	}
	add(1, "new", time.Minute, 0)
	add(1, "old", 30*day, 1)
	got := []string{}
	for i, tag := range Trending(now, all, day, 10) {
		if got = append(got, tag.Tag); tag.Position != int64(i) {
			t.Errorf("%v at %d", tag, i)
		}
	}
	if want := []string{"now", "yesterday", "spam", "new"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestComputeTrending(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.fill(100, 50)
		for range 2 {
			if err := f.ComputeTrending(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := f.store.TrendingTags(t.Context())
		if err != nil || len(rows) != 10 || rows[0].Score < rows[9].Score {
			t.Errorf("%v, %v", rows, err)
		}
		if err := f.store.SetTrendingTags(t.Context(), rows[:3]); err != nil {
			t.Fatal(err)
		}
		if rows, err = f.store.TrendingTags(t.Context()); err != nil || len(rows) != 3 {
			t.Errorf("%v, %v", rows, err)
		}
	})
}

// BenchmarkForYou is 32 queries of one call: of the first pages of viewers, and of the pages after them.
func BenchmarkForYou(b *testing.B) {
	caches := map[string]kv.Store{"memory": kvtest.Shared(b)}
	if addr := os.Getenv("TIKTOK_TEST_REDIS"); addr != "" {
		s, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 2 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		caches["redis"] = kvtest.NewPrefixed(s, fmt.Sprint("bench", rand.Int64()))
	}
	for name, cache := range caches {
		f := on(b, sqldbtest.SQLite(b, "discovery", db.Migrations()), cache, func(d *Deps) {
			d.Settings.PoolFor, d.Settings.TasteFor = time.Hour, time.Hour
		})
		f.fill(3000, 600)
		var follows []db.Follow
		for user := range int64(320) {
			f.likes(user+1, 1+user, 52+user, 103+user, 204+user, 305+user, 406+user)
			for a := range int64(30) {
				follows = append(follows, db.Follow{UserID: user + 1, ToUserID: 1_000_000 + (user+17*a)%600, Following: true})
			}
			for id := int64(1); id < 2000; id += 2 {
				f.seen[user+1] = append(f.seen[user+1], id)
			}
		}
		create(f, follows)
		ask := func(round int, cursors []string) []string {
			queries := make([]*discovery.FeedQuery, 32)
			for i := range queries {
				queries[i] = &discovery.FeedQuery{Feed: discovery.Feed_FOR_YOU, ViewerId: int64(1 + (32*round+i)%320), Limit: 30}
				if cursors != nil {
					queries[i].Cursor = cursors[i]
				}
			}
			answers := f.ask(queries...)
			next := make([]string, 32)
			for i, a := range answers {
				next[i] = a.NextCursor
			}
			return next
		}
		for round := range 10 {
			ask(round, nil)
		}
		b.Run("first/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				ask(i, nil)
			}
		})
		b.Run("next/"+name, func(b *testing.B) {
			cursors := ask(0, nil)
			b.ReportAllocs()
			for b.Loop() {
				ask(0, cursors)
			}
		})
	}
}
