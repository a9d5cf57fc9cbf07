package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

func testOneUserLikesAtOnce(t *testing.T, d *harness.Deployment) {
	fan, author := d.NewUser(t), d.NewUser(t)
	v := author.Publish(t, "liked a hundred times by one")
	harness.Parallel(t, 100, func(t testing.TB, _ int) { fan.Like(t, v.ID) })
	requireVideo(t, fan, v.ID, 1, 0, true)
	requireCounters(t, fan, author.ID, counters{favorited: 1, works: 1})
	harness.Parallel(t, 100, func(t testing.TB, _ int) { fan.Unlike(t, v.ID) })
	requireVideo(t, fan, v.ID, 0, 0, false)
	requireCounters(t, fan, author.ID, counters{works: 1})
}

func testManyUsersLikeAtOnce(t *testing.T, d *harness.Deployment) {
	author, people := d.NewUser(t), d.People(t, 50)
	v := author.Publish(t, "liked by fifty")
	harness.Parallel(t, 50, func(t testing.TB, i int) { people[i].Like(t, v.ID) })
	requireVideo(t, d.Visitor(), v.ID, 50, 0, false)
	requireCounters(t, author, author.ID, counters{favorited: 50, works: 1})
	harness.Parallel(t, 20, func(t testing.TB, i int) { people[i].Unlike(t, v.ID) })
	requireVideo(t, d.Visitor(), v.ID, 30, 0, false)
}

// testLikeStorm has each user change his mind many times, one request after the other, all users at once. In the end each
// sees his own last word, and the counter is their sum.
func testLikeStorm(t *testing.T, d *harness.Deployment) {
	author, people := d.NewUser(t), d.People(t, 30)
	v := author.Publish(t, "loved and unloved")
	var sum atomic.Int64
	last := make([]bool, len(people))
	harness.Parallel(t, len(people), func(t testing.TB, i int) {
		for range 5 + rand.IntN(6) {
			if last[i] = rand.IntN(2) == 0; last[i] {
				people[i].Like(t, v.ID)
			} else {
				people[i].Unlike(t, v.ID)
			}
		}
		if last[i] {
			sum.Add(1)
		}
	})
	for i, p := range people[:10] {
		requireVideo(t, p, v.ID, sum.Load(), 0, last[i])
	}
}

func testCommentsAtOnce(t *testing.T, d *harness.Deployment) {
	author, people := d.NewUser(t), d.People(t, 20)
	v := author.Publish(t, "talked about")
	ids := make([][]int64, len(people))
	harness.Parallel(t, len(people), func(t testing.TB, i int) {
		for n := range 5 {
			ids[i] = append(ids[i], people[i].Comment(t, v.ID, fmt.Sprintf("%d says %d", i, n)).ID)
		}
	})
	requireVideo(t, author, v.ID, 0, 100, false)
	if list := author.Comments(t, v.ID); len(list) != 100 {
		t.Errorf("%d comments listed", len(list))
	}
	// Each deletes one comment, from two phones at once: it counts once.
	harness.Parallel(t, 2*len(people), func(t testing.TB, i int) {
		p := people[i/2]
		a := p.Post(t, harness.PathComment, "video_id", v.ID, "action_type", 2, "comment_id", ids[i/2][0])
		if a.Code != 0 {
			a.Fails(t, errno.CommentNotFound)
		}
	})
	requireVideo(t, author, v.ID, 0, 80, false)
	if list := author.Comments(t, v.ID); len(list) != 80 {
		t.Errorf("%d comments listed after the deletes", len(list))
	}
}

func testFollowsAtOnce(t *testing.T, d *harness.Deployment) {
	star, people := d.NewUser(t), d.People(t, 50)
	harness.Parallel(t, 100, func(t testing.TB, i int) { people[i%50].Follow(t, star.ID) })
	requireCounters(t, people[0], star.ID, counters{followers: 50, isFollow: true})
	if fans := star.Followers(t, star.ID); len(fans) != 50 {
		t.Errorf("%d followers listed", len(fans))
	}
	a, b := d.NewUser(t), d.NewUser(t)
	harness.Parallel(t, 60, func(t testing.TB, i int) {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		if i%3 == 0 {
			from.Unfollow(t, to.ID)
		} else {
			from.Follow(t, to.ID)
		}
	})
	for _, u := range []*harness.User{a, b} {
		c := u.Profile(t, 0)
		if n := int64(len(u.Following(t, u.ID))); c.FollowCount != n {
			t.Errorf("follow_count is %d, the list has %d", c.FollowCount, n)
		}
		if n := int64(len(u.Followers(t, u.ID))); c.FollowerCount != n {
			t.Errorf("follower_count is %d, the list has %d", c.FollowerCount, n)
		}
	}
}

func testRegistersAtOnce(t *testing.T, d *harness.Deployment) {
	name := d.NewName()
	var ok atomic.Int64
	harness.Parallel(t, 20, func(t testing.TB, _ int) {
		a := d.Call(t, http.MethodPost, harness.PathRegister, harness.Params("username", name, "password", "secret1"), nil)
		if a.Code == 0 {
			ok.Add(1)
			return
		}
		a.Fails(t, errno.UserNameTaken)
	})
	if ok.Load() != 1 {
		t.Errorf("%d people have the name %s", ok.Load(), name)
	}
	d.Login(t, name, "secret1")
}

// testFeedCalls counts what a feed page of 30 videos by 30 authors costs: at most 6 calls, for whoever asks.
func testFeedCalls(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 30)
	harness.Parallel(t, len(people), func(t testing.TB, i int) { people[i].Publish(t, fmt.Sprintf("page %d", i)) })
	for _, viewer := range []*harness.User{people[0], d.Visitor()} {
		before := d.RPCs(t)
		page := viewer.Feed(t, 0)
		total, by := harness.Added(before, d.RPCs(t))
		authors := map[int64]bool{}
		for _, v := range page.Videos {
			authors[v.Author.ID] = true
		}
		if len(page.Videos) != 30 || len(authors) != 30 {
			t.Fatalf("a page of %d videos by %d authors", len(page.Videos), len(authors))
		}
		if total == 0 || total > 6 {
			t.Errorf("%q: the page costs %v calls: %v", viewer.Name, total, by)
		}
	}
}
