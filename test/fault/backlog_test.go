package fault_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
	"tiktok/pkg/queue"
	"tiktok/test/harness"
)

const (
	// publishers is how many events of the backlog are under way at once: enough for large batches.
	publishers = 1024
	// spareNode makes ids that no process makes: those take the greatest free nodes.
	spareNode = 1
	// Of the backlog each tenth event is a comment, and each fiftieth is queued twice.
	commentEvery, againEvery = 10, 50
	// drains bounds how long the backlog takes to be stored and shown, once the writer goes on.
	drains = 2 * time.Minute
)

// backlogSize is how many events wait.
func backlogSize() int {
	if long() {
		return 100_000
	}
	return 20_000
}

// backlog is what the events that wait come to.
type backlog struct {
	size, published int
	people          []*harness.User
	videos          []harness.Video
	liked           [][]bool // by person, by video
	comments        []int64  // by video
}

// newBacklog queues events as the interaction service does: likes and comments of people for videos.
func newBacklog(t *testing.T, d *harness.Deployment, people []*harness.User, author *harness.User, videos []harness.Video) *backlog {
	t.Helper()
	b := &backlog{size: backlogSize(), people: people, videos: videos}
	b.liked, b.comments = make([][]bool, len(people)), make([]int64, len(videos))
	for i := range b.liked {
		b.liked[i] = make([]bool, len(videos))
	}
	ids := id.New(spareNode)
	events := make([]mq.Event, 0, b.size+b.size/againEvery)
	for i := range b.size {
		p, v := i%len(people), i/len(people)%len(videos)
		n := idtest.Next(ids)
		e := mq.Event{V: mq.Version, ID: n, AtMs: id.Time(n).UnixMilli(), UserID: people[p].ID, VideoID: videos[v].ID, AuthorID: author.ID}
		if i%commentEvery == 0 {
			e.Comment = &mq.CommentEvent{CommentID: n, Content: fmt.Sprint("waits ", i)}
			b.comments[v]++
		} else {
			b.liked[p][v] = !b.liked[p][v]
			e.Favorite = &mq.FavoriteEvent{Liked: b.liked[p][v]}
		}
		events = append(events, e)
		if i%againEvery == 0 {
			events = append(events, e)
		}
	}
	b.published = len(events)
	cfg := d.Config.Queue
	cfg.AppliedWait = -1
	q, err := queue.Open[mq.Event](t.Context(), cfg, interaction, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}()
	harness.Eventually(t, heal, func() error { return q.Ping(t.Context()) })
	ctx, cancel := context.WithTimeout(t.Context(), stormy)
	defer cancel()
	began := time.Now()
	var next atomic.Int64
	harness.Parallel(t, publishers, func(t testing.TB, _ int) {
		for i := next.Add(1) - 1; i < int64(len(events)); i = next.Add(1) - 1 {
			if _, err := q.Publish(ctx, events[i]); err != nil {
				t.Fatalf("event %d of the backlog: %v", i, err)
			}
		}
	})
	took := time.Since(began)
	t.Logf("%d events queued in %v, %.0f/s", len(events), took.Round(time.Millisecond), float64(len(events))/took.Seconds())
	return b
}

// testBacklog: in the middle of a long backlog, with a cold cache and through another gateway, whoever has written sees
// it with the next request.
func testBacklog(t *testing.T, d *harness.Deployment) {
	g := d.AddGateway(t)
	author, old := d.NewUser(t), d.NewUser(t)
	people := d.People(t, 20)
	var videos []harness.Video
	for i := range 5 {
		videos = append(videos, author.Publish(t, fmt.Sprintf("%s %d", author.Name, i)))
	}
	fans := []*harness.User{d.NewUser(t), d.NewUser(t), old}
	v := videos[0]
	old.Like(t, v.ID)
	stored := old.Comment(t, v.ID, "stored")
	r := &report{acknowledged: 2}
	base := sighting{likes: 1, comments: []string{"stored"}, total: 1}
	harness.Eventually(t, settles, func() error { return base.compare(t, fans[0].Through(g), author, v.ID) })

	release := holdWriter(t, d)
	applied := func() float64 { n, _ := harness.Added(nil, d.Counter(t, "tiktok_queue_applied_total")); return n }
	beforeIt := applied()
	b := newBacklog(t, d, people, author, videos)

	// Every step is one write through the first gateway, then the reads through the second one.
	var comment harness.Comment
	for _, s := range []struct {
		name string
		cold bool
		fan  *harness.User
		do   func(fan *harness.User)
		want sighting
	}{
		{"like", true, fans[0], func(u *harness.User) { u.Like(t, v.ID) }, sighting{true, 2, 1, 2, []string{"stored"}}},
		{
			"comment", false, fans[0], func(u *harness.User) { comment = u.Comment(t, v.ID, "new") },
			sighting{true, 2, 1, 2, []string{"new", "stored"}},
		},
		{"unlike", false, fans[0], func(u *harness.User) { u.Unlike(t, v.ID) }, sighting{false, 1, 0, 1, []string{"new", "stored"}}},
		{"delete", false, fans[0], func(u *harness.User) { u.DeleteComment(t, v.ID, comment.ID) }, sighting{false, 1, 0, 1, []string{"stored"}}},
		{"like again", false, fans[0], func(u *harness.User) { u.Like(t, v.ID) }, sighting{true, 2, 1, 2, []string{"stored"}}},
		{
			"comment of another", true, fans[1], func(u *harness.User) { u.Comment(t, v.ID, "other") },
			sighting{false, 1, 0, 1, []string{"other", "stored"}},
		},
		{"unlike of a stored like", true, old, func(u *harness.User) { u.Unlike(t, v.ID) }, sighting{false, 0, 0, 0, []string{"stored"}}},
		{"delete of a stored comment", false, old, func(u *harness.User) { u.DeleteComment(t, v.ID, stored.ID) }, sighting{false, 0, 0, 0, nil}},
	} {
		if s.cold {
			flush(t)
		}
		began := time.Now()
		s.do(s.fan)
		r.acknowledged++
		wrote := time.Since(began)
		err := s.want.compare(t, s.fan.Through(g), author, v.ID)
		t.Logf("%s: written in %v, seen in %v", s.name, wrote.Round(time.Millisecond), (time.Since(began) - wrote).Round(time.Millisecond))
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
	if n := applied() - beforeIt; n > 0 {
		t.Errorf("%.0f events were stored although the writer was held", n)
	}
	release()

	began := time.Now()
	r.acknowledged += b.size
	b.liked = append(b.liked, []bool{true, false, false, false, false}) // fans[0] in the end
	b.people = append(slices.Clone(b.people), fans[0])
	b.comments[0]++ // of fans[1]; the others are deleted
	var last *report
	defer func() {
		if last != nil {
			last.print(t)
		}
	}()
	harness.Eventually(t, drains, func() error {
		last = b.compare(t, author.Through(g))
		last.acknowledged, last.stored = r.acknowledged, r.acknowledged-last.lost
		if err := last.err(); err != nil {
			return err
		}
		return d.Recount(t.Context())
	})
	took := time.Since(began)
	perSecond := float64(b.published) / took.Seconds()
	t.Logf("stored and shown within %v, %.0f events/s and the comparison", took.Round(10*time.Millisecond), perSecond)
}

// sighting is what one user sees of a video.
type sighting struct {
	liked    bool
	likes    int64 // of the video
	own      int64 // videos that the user likes
	total    int64 // likes of the author
	comments []string
}

// compare reads everything that shows it, once.
func (w sighting) compare(t *testing.T, u, author *harness.User, video int64) error {
	t.Helper()
	var errs []error
	check := func(what string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s: %v, want %v", what, got, want))
		}
	}
	in := func(what string, list []harness.Video) {
		i := slices.IndexFunc(list, func(v harness.Video) bool { return v.ID == video })
		if i < 0 {
			errs = append(errs, fmt.Errorf("the video is not in the %s", what))
			return
		}
		check(what+": is_favorite", list[i].IsFavorite, w.liked)
		check(what+": favorite_count", list[i].FavoriteCount, w.likes)
		check(what+": comment_count", list[i].CommentCount, int64(len(w.comments)))
		check(what+": total_favorited of the author", list[i].Author.TotalFavorited, w.total)
	}
	in("feed", u.Feed(t, 0).Videos)
	in("publish list", u.Published(t, author.ID))
	if favorites := u.Favorites(t, u.ID); w.liked {
		in("favorite list", favorites)
	} else {
		check("favorite list", len(favorites), 0)
	}
	var texts []string
	for _, c := range u.Comments(t, video) {
		texts = append(texts, c.Content)
	}
	check("comment list", fmt.Sprintf("%q", texts), fmt.Sprintf("%q", w.comments))
	check("favorite_count", u.Profile(t, 0).FavoriteCount, w.own)
	check("total_favorited of the author", u.Profile(t, author.ID).TotalFavorited, w.total)
	return errors.Join(errs...)
}

// compare reads what the backlog has come to.
func (b *backlog) compare(t *testing.T, u *harness.User) *report {
	t.Helper()
	r := &report{}
	likes := make([]int64, len(b.videos))
	for i, p := range b.people {
		on := map[int64]bool{}
		for _, v := range u.Favorites(t, p.ID) {
			on[v.ID] = true
		}
		var n int64
		for j, v := range b.videos {
			if on[v.ID] != b.liked[i][j] {
				r.lost++
				r.errorf("%s likes video %d: %v", p.Name, j, on[v.ID])
			}
			if b.liked[i][j] {
				likes[j]++
				n++
			}
		}
		if have := u.Profile(t, p.ID).FavoriteCount; have < n { // it may like other tests' videos
			r.errorf("%s likes %d videos, want %d at least", p.Name, have, n)
		}
	}
	for _, v := range u.Published(t, u.ID) {
		j := slices.IndexFunc(b.videos, func(x harness.Video) bool { return x.ID == v.ID })
		if v.FavoriteCount != likes[j] {
			r.errorf("video %d has %d likes, want %d", j, v.FavoriteCount, likes[j])
		}
		r.lost += int(max(0, b.comments[j]-v.CommentCount))
		r.doubled += int(max(0, v.CommentCount-b.comments[j]))
	}
	return r
}
