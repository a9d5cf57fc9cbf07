package db

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func eachStore(t *testing.T, fn func(t *testing.T, s *Store)) {
	sqldbtest.Each(t, "discovery", Migrations(), func(t *testing.T, d *sqldb.DB) { fn(t, New(d)) })
}

// feedWorld changes follows and videos as the catalogue's writer does: with what timelines have to follow, in one transaction.
type feedWorld struct {
	*Store
	t *testing.T
}

func (w feedWorld) tx(fn func(tx *gorm.DB) error) {
	w.t.Helper()
	if err := w.Tx(w.t.Context(), fn); err != nil {
		w.t.Error(err)
	}
}

func (w feedWorld) list(id, author, published int64) {
	w.tx(func(tx *gorm.DB) error {
		if err := tx.Create(&Video{ID: id, AuthorID: author, PublishedMs: published}).Error; err != nil {
			return err
		}
		return w.AddFanouts(tx, []Fanout{VideoFanout(id, author)})
	})
}

func (w feedWorld) remove(id int64) {
	w.tx(func(tx *gorm.DB) error { return tx.Model(&Video{}).Where("id = ?", id).Update("gone_ms", 1).Error })
}

func (w feedWorld) follow(user, author int64, following bool) {
	w.tx(func(tx *gorm.DB) error {
		if err := tx.Save(&Follow{UserID: user, ToUserID: author, Following: following}).Error; err != nil {
			return err
		}
		return w.AddFanouts(tx, []Fanout{FollowFanout(user, author)})
	})
}

// settle works off all that timelines have to follow.
func (w feedWorld) settle(size int) {
	w.t.Helper()
	for worked := true; worked; {
		var err error
		if worked, err = w.Fanout(w.t.Context(), size); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pulls is what a user's timeline has to be: what pulling finds.
func (w feedWorld) pulls(user int64, size int) []ByAuthor {
	w.t.Helper()
	followed, err := w.Followed(w.t.Context(), []int64{user}, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := w.Pulled(w.t.Context(), []Pull{{Authors: followed[user], Before: Newest(), Limit: size}})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[0]
}

// timeline is what a user's timeline is, built when it has to be, without what is gone.
func (w feedWorld) timeline(user int64, size int) []ByAuthor {
	w.t.Helper()
	if err := w.BuildTimeline(w.t.Context(), user, 1, size); err != nil {
		w.t.Fatal(err)
	}
	pages, err := w.TimelinePages(w.t.Context(), []TimelinePage{{UserID: user, Before: Newest(), Limit: size}})
	if err != nil {
		w.t.Fatal(err)
	}
	ids := make([]int64, 0, size)
	for _, v := range pages[0] {
		ids = append(ids, v.VideoID)
	}
	listed, err := w.FeedVideos(w.t.Context(), ids)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(pages[0], func(v ByAuthor) bool { _, ok := listed[v.VideoID]; return !ok })
}

// Whatever happens in whatever order, a timeline is what pulling finds, as far as it goes: videos that are gone have places until it is
// built again.
func TestTimelineIsWhatPullingFinds(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		w := feedWorld{Store: s, t: t}
		r, size := rand.New(rand.NewPCG(1, 2)), 12
		next := int64(0)
		for step := range 250 {
			user, author := 100+r.Int64N(4), 1+r.Int64N(8)
			switch r.IntN(10) {
			case 0, 1, 2, 3:
				next++
				w.list(next, author, 1000+r.Int64N(300)) // some at the same time, some old ones
			case 4, 5:
				w.follow(user, author, true)
			case 6:
				w.follow(user, author, false)
			case 7:
				w.timeline(user, size)
			case 8:
				if _, err := s.Fanout(t.Context(), size); err != nil {
					t.Fatal(err)
				}
			case 9:
				if next > 0 && step%3 == 0 {
					w.remove(1 + r.Int64N(next))
				}
			}
			if step%25 != 24 {
				continue
			}
			w.settle(size)
			for user := int64(100); user < 104; user++ {
				got := w.timeline(user, size)
				want := w.pulls(user, size)
				if len(got) > len(want) || !reflect.DeepEqual(got, want[:len(got)]) && len(got)+len(want) > 0 {
					t.Fatalf("step %d, user %d: the timeline is\n%v\npulling finds\n%v", step, user, got, want)
				}
				if len(want)-len(got) > 0 && len(want) < size/2 {
					t.Fatalf("step %d, user %d: the timeline has %d of %d", step, user, len(got), len(want))
				}
			}
		}
	})
}

// Builders, the one who works off, and those who follow and publish run at the same time.
func TestTimelineIsExactUnderConcurrency(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		w, size := feedWorld{Store: s, t: t}, 500
		var wg sync.WaitGroup
		for g := range int64(3) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(g), 9))
				for i := range int64(25) {
					w.list(1+g*1000+i, 1+r.Int64N(5), 1000+r.Int64N(100))
					w.follow(100+r.Int64N(3), 1+g*10+r.Int64N(5), r.IntN(3) > 0)
				}
			})
		}
		wg.Go(func() {
			for i := range int64(30) {
				if err := s.BuildTimeline(t.Context(), 100+i%3, 1, size); err != nil {
					t.Error(err)
				}
				if i%7 == 6 {
					if _, _, err := s.PurgeTimelines(t.Context(), 2, 1); err != nil {
						t.Error(err)
					}
				}
			}
		})
		for range 2 { // one too many
			wg.Go(func() {
				for range 30 {
					if _, err := s.Fanout(t.Context(), size); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		w.settle(size)
		for user := int64(100); user < 103; user++ {
			if got, want := w.timeline(user, size), w.pulls(user, size); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("user %d: the timeline is\n%v\npulling finds\n%v", user, got, want)
			}
		}
	})
}

// A video of somebody with more followers than a step has reaches all of them, and only those who have a timeline.
func TestFanoutToManyFollowers(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		w, followers := feedWorld{Store: s, t: t}, int64(2500)
		var rows []Follow
		for user := range followers {
			rows = append(rows, Follow{UserID: 1000 + user, ToUserID: 1, Following: true})
		}
		if err := s.Write.CreateInBatches(&rows, 1000).Error; err != nil {
			t.Fatal(err)
		}
		for user := int64(0); user < followers; user += 10 {
			if err := s.Write.Create(&Timeline{UserID: 1000 + user, BuiltMs: 1}).Error; err != nil {
				t.Fatal(err)
			}
		}
		w.list(7, 1, 5000)
		w.list(8, 1, 6000)
		count := sqldbtest.CountStatements(s.DB)
		before, steps := count(), 0
		for worked := true; worked; steps++ {
			var err error
			if worked, err = s.Fanout(t.Context(), 500); err != nil {
				t.Fatal(err)
			}
		}
		if n := count() - before; n > 60 {
			t.Errorf("%d statements in %d steps", n, steps)
		}
		var got []TimelineVideo
		if err := s.Read.Find(&got).Error; err != nil {
			t.Fatal(err)
		}
		if want := int(2 * followers / 10); len(got) != want {
			t.Errorf("%d rows, want %d", len(got), want)
		}
	})
}

// While nobody has a timeline, what they would have to follow is removed in few steps, however much it is.
func TestFanoutForNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		var entries []Fanout
		for i := range int64(1500) {
			entries = append(entries, VideoFanout(i+1, 7), FollowFanout(i+1, 7))
		}
		w := feedWorld{Store: s, t: t}
		w.tx(func(tx *gorm.DB) error { return s.AddFanouts(tx, entries) })
		for _, want := range []bool{true, true, false} {
			if worked, err := s.Fanout(t.Context(), 500); err != nil || worked != want {
				t.Fatalf("worked: %v, %v; want %v", worked, err, want)
			}
		}
	})
}

// The newest videos of authors, in pages, are what sorting all of them says: of authors with many at once, too.
func TestPulled(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		r := rand.New(rand.NewPCG(3, 4))
		var rows []Video
		for id := range int64(3000) {
			author := 1 + r.Int64N(60)
			if r.IntN(2) == 0 {
				author = 1 // has half of all
			}
			v := Video{ID: id + 1, AuthorID: author, PublishedMs: 1 + r.Int64N(1500)}
			if r.IntN(10) == 0 {
				v.GoneMs = 1
			}
			rows = append(rows, v)
		}
		if err := s.Write.CreateInBatches(&rows, 1000).Error; err != nil {
			t.Fatal(err)
		}
		of, err := s.NewestOf(t.Context(), []int64{1, 2, 99}, 10)
		if err != nil {
			t.Fatal(err)
		}
		newest := map[int64][]Place{}
		for _, v := range rows {
			if v.GoneMs == 0 && v.AuthorID <= 2 {
				newest[v.AuthorID] = append(newest[v.AuthorID], Place{v.PublishedMs, v.ID})
			}
		}
		for author, places := range newest {
			newest[author] = Latest(places, 10)
		}
		if !reflect.DeepEqual(of, newest) {
			t.Errorf("newest of authors: %v, want %v", of, newest)
		}
		asks := [][]int64{{1, 2, 3}, {2}, {99}, {}, {}}
		for a := range int64(60) {
			asks[4] = append(asks[4], a+1)
		}
		var follows []Follow
		for i, authors := range asks {
			for _, a := range authors {
				follows = append(follows, Follow{UserID: int64(100 + i), ToUserID: a, Following: true})
			}
			follows = append(follows, Follow{UserID: int64(100 + i), ToUserID: 98})
		}
		if err := s.Write.Create(&follows).Error; err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 10, 31, 200} {
			before := make([]Place, len(asks))
			want := make([][]ByAuthor, len(asks))
			for i, authors := range asks {
				before[i] = Newest()
				for _, v := range rows {
					if v.GoneMs == 0 && slices.Contains(authors, v.AuthorID) {
						want[i] = append(want[i], ByAuthor{Place{v.PublishedMs, v.ID}, v.AuthorID})
					}
				}
				slices.SortFunc(want[i], func(a, b ByAuthor) int { return a.compare(b.Place) })
			}
			for page := range 4 {
				var pulls []Pull
				for i, authors := range asks {
					pulls = append(pulls, Pull{Authors: authors, Before: before[i], Limit: limit})
				}
				got, err := s.Pulled(t.Context(), pulls)
				if err != nil {
					t.Fatal(err)
				}
				var pages []FollowedPage
				for i := range asks {
					pages = append(pages, FollowedPage{UserID: int64(100 + i), Before: before[i], Limit: limit})
				}
				followed, err := s.FollowedPages(t.Context(), pages)
				if err != nil {
					t.Fatal(err)
				}
				for i := range asks {
					if len(got[i])+len(followed[i]) > 0 && !reflect.DeepEqual(got[i], followed[i]) {
						t.Fatalf("limit %d, page %d, user %d: %v, want %v", limit, page, i, followed[i], got[i])
					}
					expect := want[i][min(page*limit, len(want[i])):min((page+1)*limit, len(want[i]))]
					if len(got[i])+len(expect) > 0 && !reflect.DeepEqual(got[i], expect) {
						t.Fatalf("limit %d, page %d, ask %d: %v, want %v", limit, page, i, got[i], expect)
					}
					if len(expect) > 0 {
						before[i] = expect[len(expect)-1].Place
					}
				}
			}
		}
	})
}

// What feeds read is a part of an index in its order, whatever the catalogue's size.
func TestFeedPlans(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Store) {
		fillFeeds(t, s)
		columns := "SELECT id, author_id, tags, published_ms, likes "
		for name, c := range map[string]struct {
			query string
			args  []any
			index string
		}{
			"newest":    {columns + s.newestSQL(), []any{5000, 100}, "videos_published"},
			"hottest":   {"SELECT video_id " + hottestSQL, []any{100}, "video_watches_heat"},
			"pull":      {pullSQL, []any{0, 7, 4000, 4000, 9, 31}, "videos_author"},
			"heads":     {fmt.Sprintf(headsSQL, asksSQL), []any{0, 7, 4000, 9, 0, true}, "videos_author"},
			"followed":  {fmt.Sprintf(followedSQL, asksSQL), []any{0, 7, 4000, 9, 3000, true, 31}, "videos_author"},
			"timeline":  {timelineSQL, []any{0, 7, 4000, 4000, 9, 31}, "PRIMARY"},
			"beyond":    {beyondSQL, []any{7, 500}, "PRIMARY"},
			"liked":     {likedSQL, []any{7, true, 100}, "likes_user"},
			"likers":    {likersSQL, []any{7, true, 100}, "likes_video"},
			"follows":   {followsSQL, []any{7, true, 201}, "PRIMARY"},
			"followers": {followersSQL, []any{0, 7, true, 100, 1000}, "follows_to"},
			"watched":   {watchedSQL, []any{7, 7, 100}, "history_list"},
			"tag page":  {"SELECT tag, published_ms, video_id " + tagPageSQL, []any{"t7", 4000, 4000, 9, 31}, "PRIMARY"},
			"tag":       {tagNewestSQL, []any{"t7", 31}, "PRIMARY"},
		} {
			plan := sqldbtest.Explain(t, s.DB, c.query, c.args...)
			index := strings.ReplaceAll(c.index, "PRIMARY", "key=PRIMARY")
			if s.IsSQLite() {
				index = strings.ReplaceAll(c.index, "PRIMARY", "PRIMARY KEY")
			}
			if !strings.Contains(plan, index) {
				t.Errorf("%s does not use %s:\n%s", name, index, plan)
			}
			for _, bad := range []string{"TEMP B-TREE", "filesort", "temporary", "type=ALL key= "} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fillFeeds stores enough rows for the optimizer to take the indexes for worth it.
func fillFeeds(t *testing.T, s *Store) {
	t.Helper()
	var videos []Video
	var watches []VideoWatches
	var likes []Like
	var follows []Follow
	var lines []TimelineVideo
	var tagged []TagVideo
	for i := range int64(4000) {
		videos = append(videos, Video{ID: i + 1, AuthorID: 1 + i%50, PublishedMs: i + 1})
		watches = append(watches, VideoWatches{VideoID: i + 1, AuthorID: 1 + i%50, Heat: float64(i + 1)})
		likes = append(likes, Like{UserID: 1 + i%40, VideoID: 1 + i/40, Liked: i%5 != 0, AtMs: i})
		follows = append(follows, Follow{UserID: 1 + i%40, ToUserID: 1 + i/40, Following: i%5 != 0})
		lines = append(lines, TimelineVideo{UserID: 1 + i%20, PublishedMs: i, VideoID: i + 1, AuthorID: 1 + i%50})
		tagged = append(tagged, TagVideo{Tag: fmt.Sprint("t", i%30), PublishedMs: i, VideoID: i + 1})
	}
	for _, rows := range []any{&videos, &watches, &likes, &follows, &lines, &tagged} {
		if err := s.Write.CreateInBatches(rows, 1000).Error; err != nil {
			t.Fatal(err)
		}
	}
	insert := `INSERT INTO history (user_id, video_id, at_ms, watched_ms, finished, hidden_ms)
		SELECT user_id, video_id, at_ms, 1, liked, 0 FROM likes`
	if err := s.Write.Exec(insert).Error; err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"videos", "video_watches", "likes", "follows", "timeline_videos", "video_tags", "history"} {
		analyze := "ANALYZE " + table
		if !s.IsSQLite() {
			analyze = "ANALYZE TABLE " + table
		}
		if err := s.Write.Exec(analyze).Error; err != nil {
			t.Fatal(err)
		}
	}
}
