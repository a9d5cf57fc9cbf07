package dataset_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tiktok/test/dataset"
	"tiktok/test/harness"
)

// What is loaded is what the services would have stored: users who can log in, videos in the feed, lists of the length
// that is counted, right counters. A second load changes nothing, and the services go on where it ended.
func TestLoad(t *testing.T) {
	t.Chdir("../..")
	harness.Each(t, nil, func(t *testing.T, d *harness.Deployment) {
		want := dataset.NewShape(0.05)
		d.Stop(t)
		for range 2 {
			dataset.Load(t, d.Config, want)
		}
		d.Start(t)
		set := dataset.Read(t, d.Config, 0)
		if len(set.Users) != want.Users || len(set.Works)*len(set.Favorites)*len(set.Following)*len(set.Followers)*len(set.Comments) == 0 {
			t.Fatalf("%d users, lists of works: %d, likes: %d, follows: %d, followers: %d, comments: %d",
				len(set.Users), len(set.Works), len(set.Favorites), len(set.Following), len(set.Followers), len(set.Comments))
		}
		d.Audit(t)

		u := d.Login(t, set.Users[3].Name, dataset.Password)
		if u.ID != set.Users[3].ID {
			t.Errorf("%s is user %d, want %d", u.Name, u.ID, set.Users[3].ID)
		}
		u.Token = set.Users[3].Token // signed by the loader
		page := u.Feed(t, 0).Videos
		authors := map[int64]bool{}
		for _, v := range page {
			authors[v.Author.ID] = true
		}
		if len(page) != dataset.FeedSize || len(authors) != dataset.FeedSize || page[0].ID != set.Videos[len(set.Videos)-1].ID {
			t.Errorf("the feed has %d videos by %d authors, or does not begin with the newest", len(page), len(authors))
		}
		d.Media(t, page[0].PlayURL)
		for what, n := range map[string][2]int{
			"works":     {len(u.Published(t, set.Works[0].ID)), set.Works[0].N},
			"likes":     {len(u.Favorites(t, set.Favorites[0].ID)), set.Favorites[0].N},
			"follows":   {len(u.Following(t, set.Following[0].ID)), set.Following[0].N},
			"followers": {len(u.Followers(t, set.Followers[0].ID)), set.Followers[0].N},
			"comments":  {len(u.Comments(t, set.Comments[0].ID)), set.Comments[0].N},
		} {
			if n[0] != n[1] {
				t.Errorf("%d %s are listed, %d counted", n[0], what, n[1])
			}
		}
		friend := d.Login(t, nameOf(t, set, set.Friends[0].ID), dataset.Password)
		if n := len(friend.Friends(t)); n != set.Friends[0].N {
			t.Errorf("%d friends are listed, want %d", n, set.Friends[0].N)
		}
		talk := set.Chats[0]
		chat := d.Login(t, set.Users[talk.User].Name, dataset.Password).Chat(t, talk.Peer, 0)
		if len(chat) != 10 || chat[9].Time(t) != talk.LastMs {
			t.Errorf("%d messages, want 10", len(chat))
		}

		fresh := d.NewUser(t).Publish(t, "new")
		if first := u.Feed(t, 0).Videos[0].ID; first != fresh.ID {
			t.Errorf("the feed begins with %d, want what was published now", first)
		}
		d.Audit(t)
	})
}

func nameOf(t *testing.T, set *dataset.Set, id int64) string {
	t.Helper()
	for _, u := range set.Users {
		if u.ID == id {
			return u.Name
		}
	}
	t.Fatalf("user %d is not in the data set", id)
	return ""
}

// Titles are valid, and what is searched for is in them.
func TestTitles(t *testing.T) {
	called := dataset.Titles(3000)
	all := strings.Join(called, "\n")
	for _, title := range called {
		if n := utf8.RuneCountInString(title); n < 3 || n > 50 {
			t.Errorf("%q has %d characters", title, n)
		}
	}
	s := dataset.SearchesOf(called)
	if len(s.Names) != len(called) || len(s.Typos) != len(called) {
		t.Errorf("%d names, %d typos", len(s.Names), len(s.Typos))
	}
	for _, text := range slices.Concat(s.Words[:20], s.Han, s.Names, s.Characters, s.Tags[:20], s.Begun[:20]) {
		if !strings.Contains(all, text) {
			t.Errorf("no title has %q", text)
		}
	}
	for _, typo := range s.Typos {
		if strings.Contains(all, typo) {
			t.Errorf("%q is right", typo)
		}
	}
}
