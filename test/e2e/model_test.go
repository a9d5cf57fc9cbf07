package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/test/harness"
)

// model is what a few people have done, and from it what everyone has to see. Every list is newest first, as the API
// shows it; chats are oldest first.
type model struct {
	d        *harness.Deployment
	people   []*harness.User
	faces    map[int64]harness.Card // what does not change about a user
	videos   []harness.Video        // only id, author's id, title and URLs are used
	likes    []pair                 // user, video
	follows  []pair                 // user, user
	comments []remark
	messages []note
}

type pair struct{ who, what int64 }

type remark struct {
	video, who int64
	harness.Comment
}

type note struct {
	from, to int64
	text     string
}

func newModel(t *testing.T, d *harness.Deployment, people int) *model {
	t.Helper()
	m := &model{d: d, faces: map[int64]harness.Card{}}
	for range people {
		u := d.NewUser(t)
		m.people = append(m.people, u)
		m.faces[u.ID] = d.Visitor().Profile(t, u.ID)
	}
	return m
}

func (m *model) publish(t *testing.T, u *harness.User, title string) harness.Video {
	t.Helper()
	v := u.Publish(t, title)
	seen := v // by everybody: the state of the work on it is only for its author
	seen.HLSURL, seen.PreviewURL, seen.State, seen.Progress, seen.Reason = "", "", "", 0, ""
	m.videos = slices.Insert(m.videos, 0, seen)
	return v
}

func (m *model) like(t *testing.T, u *harness.User, video int64) {
	t.Helper()
	u.Like(t, video)
	if p := (pair{u.ID, video}); !slices.Contains(m.likes, p) {
		m.likes = slices.Insert(m.likes, 0, p)
	}
}

func (m *model) unlike(t *testing.T, u *harness.User, video int64) {
	t.Helper()
	u.Unlike(t, video)
	m.likes = slices.DeleteFunc(m.likes, func(p pair) bool { return p == pair{u.ID, video} })
}

func (m *model) follow(t *testing.T, u, who *harness.User) {
	t.Helper()
	u.Follow(t, who.ID)
	if p := (pair{u.ID, who.ID}); !slices.Contains(m.follows, p) {
		m.follows = slices.Insert(m.follows, 0, p)
	}
}

func (m *model) unfollow(t *testing.T, u, who *harness.User) {
	t.Helper()
	u.Unfollow(t, who.ID)
	m.follows = slices.DeleteFunc(m.follows, func(p pair) bool { return p == pair{u.ID, who.ID} })
}

func (m *model) comment(t *testing.T, u *harness.User, video int64, text string) {
	t.Helper()
	c := u.Comment(t, video, text)
	m.comments = slices.Insert(m.comments, 0, remark{video, u.ID, c})
	if want := m.shown(u.ID, m.comments[0]); !cmp.Equal(m.local(c), want) || c.ID <= 0 {
		t.Errorf("the answer to a comment is %+v, want %+v", m.local(c), want)
	}
}

func (m *model) deleteComment(t *testing.T, i int) {
	t.Helper()
	c := m.comments[i]
	m.user(c.who).DeleteComment(t, c.video, c.ID)
	m.comments = slices.Delete(m.comments, i, i+1)
}

func (m *model) send(t *testing.T, from, to *harness.User, text string) {
	t.Helper()
	from.Send(t, to.ID, text)
	m.messages = append(m.messages, note{from.ID, to.ID, text})
}

func (m *model) user(id int64) *harness.User {
	return m.people[slices.IndexFunc(m.people, func(u *harness.User) bool { return u.ID == id })]
}

// What a viewer, 0 for a visitor, has to see.

func (m *model) card(viewer, id int64) harness.Card {
	c := m.faces[id]
	c.FollowCount = count(m.follows, func(p pair) bool { return p.who == id })
	c.FollowerCount = count(m.follows, func(p pair) bool { return p.what == id })
	c.IsFollow = slices.Contains(m.follows, pair{viewer, id})
	c.WorkCount = count(m.videos, func(v harness.Video) bool { return v.Author.ID == id })
	c.FavoriteCount = count(m.likes, func(p pair) bool { return p.who == id })
	c.TotalFavorited = count(m.likes, func(p pair) bool { return m.video(p.what).Author.ID == id })
	return m.localCard(c)
}

func (m *model) video(id int64) harness.Video {
	return m.videos[slices.IndexFunc(m.videos, func(v harness.Video) bool { return v.ID == id })]
}

func (m *model) shownVideo(viewer, id int64) harness.Video {
	v := m.video(id)
	v.Author = m.card(viewer, v.Author.ID)
	v.FavoriteCount = count(m.likes, func(p pair) bool { return p.what == id })
	v.CommentCount = count(m.comments, func(c remark) bool { return c.video == id })
	v.IsFavorite = slices.Contains(m.likes, pair{viewer, id})
	v.PlayURL, v.CoverURL = below(v.PlayURL), below(v.CoverURL)
	return v
}

func (m *model) shown(viewer int64, c remark) harness.Comment {
	c.User = m.card(viewer, c.who)
	return c.Comment
}

func (m *model) friends(viewer int64) []harness.Friend {
	var out []harness.Friend
	for _, p := range m.follows {
		if p.who != viewer || !slices.Contains(m.follows, pair{p.what, viewer}) {
			continue
		}
		f := harness.Friend{Card: m.card(viewer, p.what), MsgType: 1}
		for _, n := range m.messages {
			switch (pair{n.from, n.to}) {
			case pair{viewer, p.what}:
				f.Message, f.MsgType = n.text, 1
			case pair{p.what, viewer}:
				f.Message, f.MsgType = n.text, 0
			}
		}
		out = append(out, f)
	}
	return out
}

func count[T any](all []T, match func(T) bool) (n int64) {
	for _, v := range all {
		if match(v) {
			n++
		}
	}
	return n
}

// below cuts scheme and host off: they change when the product is started again on another port.
func below(link string) string {
	_, rest, ok := strings.Cut(link, "://")
	if _, path, has := strings.Cut(rest, "/"); ok && has {
		return "/" + path
	}
	return link
}

func (m *model) localCard(c harness.Card) harness.Card {
	c.Avatar, c.BackgroundImage = below(c.Avatar), below(c.BackgroundImage)
	return c
}

func (m *model) local(c harness.Comment) harness.Comment {
	c.User = m.localCard(c.User)
	return c
}

// localVideos leaves out what work in the background changes at its own pace, too.
func (m *model) localVideos(all []harness.Video) []harness.Video {
	for i := range all {
		all[i].HLSURL, all[i].PreviewURL = "", ""
		all[i].State, all[i].Progress, all[i].Reason = "", 0, ""
		all[i].PlayURL, all[i].CoverURL, all[i].Author = below(all[i].PlayURL), below(all[i].CoverURL), m.localCard(all[i].Author)
	}
	return all
}

func (m *model) localCards(all []harness.Card) []harness.Card {
	for i := range all {
		all[i] = m.localCard(all[i])
	}
	return all
}

// check compares what every viewer sees, at every endpoint that shows anything, with the model.
func (m *model) check(t *testing.T, after string) {
	t.Helper()
	viewers := append([]*harness.User{m.d.Visitor()}, m.people...)
	harness.Parallel(t, len(viewers), func(t testing.TB, i int) {
		viewer := viewers[i]
		name := viewer.Name
		if name == "" {
			name = "a visitor"
		}
		compare := func(what string, got, want any) {
			t.Helper()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("after %s, %s looks at %s (-want +got):\n%s", after, name, what, d)
			}
		}
		for _, u := range m.people {
			m.checkUser(t, viewer, u, compare)
		}
		feed := slices.DeleteFunc(m.localVideos(viewer.Feed(t, 0).Videos), func(v harness.Video) bool {
			return !slices.ContainsFunc(m.videos, func(own harness.Video) bool { return own.ID == v.ID })
		})
		compare("the feed", feed, m.list(viewer.ID, func(harness.Video) bool { return true }))
		for _, v := range m.videos {
			var want []harness.Comment
			for _, c := range m.comments {
				if c.video == v.ID {
					want = append(want, m.shown(viewer.ID, c))
				}
			}
			var got []harness.Comment
			for _, c := range viewer.Comments(t, v.ID) {
				got = append(got, m.local(c))
			}
			compare("the comments on "+v.Title, got, want)
		}
		if viewer.ID != 0 {
			m.checkChats(t, viewer, compare)
		}
	})
}

func (m *model) list(viewer int64, match func(harness.Video) bool) []harness.Video {
	out := []harness.Video{}
	for _, v := range m.videos {
		if match(v) {
			out = append(out, m.shownVideo(viewer, v.ID))
		}
	}
	return out
}

func (m *model) checkUser(t testing.TB, viewer, u *harness.User, compare func(what string, got, want any)) {
	t.Helper()
	compare(u.Name, m.localCard(viewer.Profile(t, u.ID)), m.card(viewer.ID, u.ID))
	published := viewer.Published(t, u.ID)
	for _, v := range published {
		compare("whether the state of "+v.Title+" is shown", v.State != "", viewer.ID == u.ID)
	}
	compare("the videos of "+u.Name, m.localVideos(published),
		m.list(viewer.ID, func(v harness.Video) bool { return v.Author.ID == u.ID }))
	liked, following, followers := []harness.Video{}, []harness.Card{}, []harness.Card{}
	for _, p := range m.likes {
		if p.who == u.ID {
			liked = append(liked, m.shownVideo(viewer.ID, p.what))
		}
	}
	for _, p := range m.follows {
		if p.who == u.ID {
			following = append(following, m.card(viewer.ID, p.what))
		}
		if p.what == u.ID {
			followers = append(followers, m.card(viewer.ID, p.who))
		}
	}
	compare("what "+u.Name+" likes", m.localVideos(viewer.Favorites(t, u.ID)), liked)
	compare("whom "+u.Name+" follows", m.localCards(viewer.Following(t, u.ID)), following)
	compare("who follows "+u.Name, m.localCards(viewer.Followers(t, u.ID)), followers)
}

func (m *model) checkChats(t testing.TB, viewer *harness.User, compare func(what string, got, want any)) {
	t.Helper()
	var friends []harness.Friend
	for _, f := range viewer.Friends(t) {
		f.Card = m.localCard(f.Card)
		friends = append(friends, f)
	}
	compare("friends", friends, m.friends(viewer.ID))
	for _, u := range m.people {
		if u.ID == viewer.ID {
			continue
		}
		var want, got []string
		for _, n := range m.messages {
			if p := (pair{n.from, n.to}); p == (pair{viewer.ID, u.ID}) || p == (pair{u.ID, viewer.ID}) {
				want = append(want, fmt.Sprintf("%d: %s", n.from, n.text))
			}
		}
		for _, x := range viewer.Chat(t, u.ID, 0) {
			got = append(got, fmt.Sprintf("%d: %s", x.FromUserID, x.Content))
		}
		compare("the chat with "+u.Name, got, want)
	}
}
