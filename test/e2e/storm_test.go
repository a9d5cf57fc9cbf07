package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// crowd is how many users act at once.
const crowd = 50

// requireLikes fails the test unless everything that shows a video's likes agrees.
func requireLikes(t testing.TB, d *harness.Deployment, v harness.Video, people []*harness.User, want int64) {
	t.Helper()
	own := d.Visitor().Published(t, v.Author.ID)
	i := slices.IndexFunc(own, func(x harness.Video) bool { return x.ID == v.ID })
	if i < 0 || own[i].FavoriteCount != want {
		t.Errorf("the video has %d likes, want %d", own[i].FavoriteCount, want)
	}
	var listed, flagged int64
	for _, u := range people {
		mine := u.Favorites(t, u.ID)
		if slices.ContainsFunc(mine, func(x harness.Video) bool { return x.ID == v.ID }) {
			listed++
		}
		if n := u.Profile(t, 0).FavoriteCount; n != int64(len(mine)) {
			t.Errorf("%s likes %d videos, the list has %d", u.Name, n, len(mine))
		}
		for _, x := range u.Published(t, v.Author.ID) {
			if x.ID == v.ID && x.IsFavorite {
				flagged++
			}
		}
	}
	if listed != want || flagged != want {
		t.Errorf("%d users have it in their lists, %d see it as liked, want %d", listed, flagged, want)
	}
	var total int64
	for _, x := range own {
		total += x.FavoriteCount
	}
	if n := d.Visitor().Profile(t, v.Author.ID).TotalFavorited; n != total {
		t.Errorf("the author has %d likes, the videos %d", n, total)
	}
}

func testLikes(t *testing.T, d *harness.Deployment) {
	people := d.People(t, crowd)
	author := d.NewUser(t)
	t.Run("100 times by one user is one", func(t *testing.T) {
		v := author.Publish(t, "one fan "+author.Name)
		harness.Parallel(t, 100, func(t testing.TB, _ int) { people[0].Like(t, v.ID) })
		requireLikes(t, d, v, people[:3], 1)
		harness.Parallel(t, 100, func(t testing.TB, _ int) { people[0].Unlike(t, v.ID) })
		requireLikes(t, d, v, people[:3], 0)
	})
	t.Run("50 users are 50", func(t *testing.T) {
		v := author.Publish(t, "fans "+author.Name)
		harness.Parallel(t, crowd, func(t testing.TB, i int) { people[i].Like(t, v.ID) })
		requireLikes(t, d, v, people, crowd)
		harness.Parallel(t, crowd, func(t testing.TB, i int) {
			if i%2 == 0 {
				people[i].Unlike(t, v.ID)
			} else {
				people[i].Like(t, v.ID)
			}
		})
		requireLikes(t, d, v, people, crowd/2)
	})
	t.Run("the last word of each counts", func(t *testing.T) {
		v := author.Publish(t, "moods "+author.Name)
		harness.Parallel(t, 20, func(t testing.TB, i int) {
			for n := range 6 + i%2 {
				if n%2 == 0 {
					people[i].Like(t, v.ID)
				} else {
					people[i].Unlike(t, v.ID)
				}
				liked := slices.ContainsFunc(people[i].Favorites(t, people[i].ID), func(x harness.Video) bool { return x.ID == v.ID })
				if liked != (n%2 == 0) {
					t.Errorf("user %d, step %d: liked is %v right after it was answered", i, n, liked)
				}
			}
		})
		requireLikes(t, d, v, people[:20], 10)
	})
}

func testFollows(t *testing.T, d *harness.Deployment) {
	people := d.People(t, crowd)
	star := d.NewUser(t)
	requireFollowers := func(t *testing.T, want int64) {
		t.Helper()
		list := star.Followers(t, star.ID)
		if n := star.Profile(t, 0).FollowerCount; n != want || int64(len(list)) != want {
			t.Errorf("%d followers, %d in the list, want %d", n, len(list), want)
		}
		var flags int64
		for _, u := range people {
			sees := u.Profile(t, star.ID).IsFollow
			if sees {
				flags++
			}
			if listed := slices.ContainsFunc(list, func(c harness.Card) bool { return c.ID == u.ID }); listed != sees {
				t.Errorf("%s follows: %v, listed: %v", u.Name, sees, listed)
			}
			if n := u.Profile(t, 0).FollowCount; n != int64(len(u.Following(t, u.ID))) {
				t.Errorf("%s follows %d, the list has %d", u.Name, n, len(u.Following(t, u.ID)))
			}
		}
		if flags != want {
			t.Errorf("%d see that they follow, want %d", flags, want)
		}
	}
	harness.Parallel(t, 100, func(t testing.TB, _ int) { people[0].Follow(t, star.ID) })
	requireFollowers(t, 1)
	harness.Parallel(t, crowd, func(t testing.TB, i int) { people[i].Follow(t, star.ID) })
	requireFollowers(t, crowd)
	harness.Parallel(t, crowd, func(t testing.TB, i int) {
		if i%2 == 0 {
			people[i].Unfollow(t, star.ID)
		} else {
			people[i].Follow(t, star.ID)
		}
	})
	requireFollowers(t, crowd/2)
	t.Run("two who follow each other in the same moment are friends", func(t *testing.T) {
		for i := range 5 {
			a, b := people[2*i+10], people[2*i+11]
			harness.Parallel(t, 2, func(t testing.TB, i int) {
				if i == 0 {
					a.Follow(t, b.ID)
				} else {
					b.Follow(t, a.ID)
				}
			})
			for _, p := range [][2]*harness.User{{a, b}, {b, a}} {
				if !slices.ContainsFunc(p[0].Friends(t), func(f harness.Friend) bool { return f.ID == p[1].ID }) {
					t.Errorf("%s is no friend of %s", p[1].Name, p[0].Name)
				}
			}
		}
	})
	t.Run("back and forth by one user ends as it is shown", func(t *testing.T) {
		u, v := people[0], people[1]
		harness.Parallel(t, 60, func(t testing.TB, i int) {
			if i%2 == 0 {
				u.Follow(t, v.ID)
			} else {
				u.Unfollow(t, v.ID)
			}
		})
		sees := u.Profile(t, v.ID).IsFollow
		if listed := slices.ContainsFunc(u.Following(t, u.ID), func(c harness.Card) bool { return c.ID == v.ID }); listed != sees {
			t.Errorf("the flag says %v, the list %v", sees, listed)
		}
	})
}

func testComments(t *testing.T, d *harness.Deployment) {
	const each = 4
	people := d.People(t, 10)
	author := d.NewUser(t)
	v := author.Publish(t, "discussed "+author.Name)
	requireComments := func(t *testing.T, want int) []harness.Comment {
		t.Helper()
		list := d.Visitor().Comments(t, v.ID)
		if n := d.Visitor().Published(t, author.ID)[0].CommentCount; n != int64(want) || len(list) != want {
			t.Errorf("%d comments, %d in the list, want %d", n, len(list), want)
		}
		return list
	}
	harness.Parallel(t, len(people)*each, func(t testing.TB, i int) {
		u := people[i%len(people)]
		c := u.Comment(t, v.ID, fmt.Sprint("comment ", i))
		if !slices.ContainsFunc(u.Comments(t, v.ID), func(x harness.Comment) bool { return x.ID == c.ID }) {
			t.Errorf("comment %d is not in the list right after it was answered", i)
		}
	})
	list := requireComments(t, len(people)*each)
	seen := map[string]bool{}
	for _, c := range list {
		seen[c.Content] = true
	}
	if len(seen) != len(list) {
		t.Errorf("%d different texts in %d comments", len(seen), len(list))
	}
	mine := slices.IndexFunc(list, func(c harness.Comment) bool { return c.User.ID == people[0].ID })
	// Who comes in the same moment may hear that it is deleted, or that it does not exist any more. It counts once.
	harness.Parallel(t, 20, func(t testing.TB, _ int) {
		a := people[0].Post(t, harness.PathComment, "video_id", v.ID, "action_type", 2, "comment_id", list[mine].ID)
		if a.Code != 0 {
			a.Fails(t, errno.CommentNotFound)
		}
	})
	requireComments(t, len(list)-1)
}

func testUploads(t *testing.T, d *harness.Deployment) {
	const videos = 20
	author := d.NewUser(t)
	clip := harness.TestData(t, "tiny.mp4")
	harness.Parallel(t, videos, func(t testing.TB, i int) {
		author.TryPublish(t, fmt.Sprint("upload ", i), harness.File{Data: clip}).OK(t)
		mine := author.Published(t, author.ID)
		if !slices.ContainsFunc(mine, func(v harness.Video) bool { return v.Title == fmt.Sprint("upload ", i) }) {
			t.Errorf("upload %d is not in the list right after it was answered", i)
		}
	})
	if n, list := author.Profile(t, 0).WorkCount, author.Published(t, author.ID); n != videos || len(list) != videos {
		t.Errorf("work_count %d, %d in the list, want %d", n, len(list), videos)
	}
}

func testOneName(t *testing.T, d *harness.Deployment) {
	name := d.NewName()
	var winner atomic.Int64
	harness.Parallel(t, 20, func(t testing.TB, i int) {
		password := fmt.Sprint("password ", i)
		a := d.Call(t, http.MethodPost, harness.PathRegister, harness.Params("username", name, "password", password), nil)
		if a.Code != 0 {
			a.Fails(t, errno.UserNameTaken)
			return
		}
		if !winner.CompareAndSwap(0, int64(i+1)) {
			t.Errorf("registered twice")
		}
	})
	if winner.Load() == 0 {
		t.Fatal("nobody got the name")
	}
	d.Login(t, name, fmt.Sprint("password ", winner.Load()-1))
}

// testSchool: a whole school comes in one lesson, from one address, and everybody gets in.
func testSchool(t *testing.T, d *harness.Deployment) {
	atOnce, each := 20, 5
	if harness.RaceEnabled {
		atOnce, each = 5, 2 // a password hash takes ten times as long
	}
	began := time.Now()
	harness.Parallel(t, atOnce, func(t testing.TB, _ int) {
		for range each {
			d.NewUser(t)
		}
	})
	t.Logf("%d accounts in %v", atOnce*each, time.Since(began).Round(time.Millisecond))
}

// testStorm does everything at once; afterwards every counter that the API shows is the length of its list.
func testStorm(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 16)
	videos := make([]harness.Video, 3)
	for i := range videos {
		videos[i] = people[i].Publish(t, fmt.Sprint("storm ", i, " ", d.NewName()))
	}
	harness.Parallel(t, len(people), func(t testing.TB, i int) {
		u := people[i]
		for n := range 12 {
			v := videos[(i+n)%len(videos)]
			other := people[(i+n+1)%len(people)]
			switch (i + n) % 6 {
			case 0, 1:
				u.Like(t, v.ID)
			case 2:
				u.Unlike(t, v.ID)
			case 3:
				c := u.Comment(t, v.ID, fmt.Sprint("in the storm ", n))
				if n%2 == 0 {
					u.DeleteComment(t, v.ID, c.ID)
				}
			case 4:
				if other != u {
					u.Follow(t, other.ID)
					u.Send(t, other.ID, messageText+"storm")
				}
			case 5:
				if other != u {
					u.Unfollow(t, other.ID)
				}
			}
			u.Feed(t, 0)
		}
	})
	for _, v := range videos {
		want := int64(0)
		for _, u := range people {
			if slices.ContainsFunc(u.Favorites(t, u.ID), func(x harness.Video) bool { return x.ID == v.ID }) {
				want++
			}
		}
		requireLikes(t, d, v, people, want)
		list := d.Visitor().Comments(t, v.ID)
		for _, x := range d.Visitor().Published(t, v.Author.ID) {
			if x.ID == v.ID && x.CommentCount != int64(len(list)) {
				t.Errorf("%d comments, %d in the list", x.CommentCount, len(list))
			}
		}
	}
	for _, u := range people {
		c := u.Profile(t, 0)
		if n, m := len(u.Following(t, u.ID)), len(u.Followers(t, u.ID)); c.FollowCount != int64(n) || c.FollowerCount != int64(m) {
			t.Errorf("%s: counters %d and %d, lists %d and %d", u.Name, c.FollowCount, c.FollowerCount, n, m)
		}
	}
}
