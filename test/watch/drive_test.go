package watch_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"tiktok/test/harness"
)

// confided is in the messages that people send; no log may have it.
const confided = "between the two of us"

// driver uses the product the way people do, and remembers what must not be found in metrics and logs.
type driver struct {
	d     *harness.Deployment
	round int
	// ids are those of users, videos and comments.
	ids map[string]bool
	// secrets are tokens and passwords.
	secrets []string
}

func newDriver(d *harness.Deployment) *driver { return &driver{d: d, ids: map[string]bool{}} }

func (v *driver) met(u *harness.User) *harness.User {
	v.ids[strconv.FormatInt(u.ID, 10)] = true
	v.ids[u.Name] = true
	v.secrets = append(v.secrets, u.Token, u.Password)
	return u
}

// drive has two new people do everything once, wrong things too.
func (v *driver) drive(t testing.TB) {
	t.Helper()
	d := v.d
	v.round++
	a, b := v.met(d.NewUser(t)), v.met(d.NewUser(t))
	v.met(d.Login(t, a.Name, a.Password))
	clip := a.Publish(t, fmt.Sprintf("clip %d", v.round))
	v.ids[strconv.FormatInt(clip.ID, 10)] = true
	for _, file := range []string{clip.PlayURL, clip.CoverURL} {
		d.Raw(t, harness.Request{Method: http.MethodGet, Path: d.Below(t, file)})
	}
	d.Visitor().Feed(t, 0)
	for range 5 {
		b.Feed(t, 0)
	}
	b.Like(t, clip.ID)
	b.Unlike(t, clip.ID)
	b.Like(t, clip.ID)
	said := b.Comment(t, clip.ID, "nice")
	v.ids[strconv.FormatInt(said.ID, 10)] = true
	a.Comments(t, clip.ID)
	b.DeleteComment(t, clip.ID, said.ID)
	b.Favorites(t, b.ID)
	a.Published(t, a.ID)
	a.Follow(t, b.ID)
	b.Follow(t, a.ID)
	a.Following(t, a.ID)
	a.Followers(t, a.ID)
	a.Send(t, b.ID, confided)
	b.Chat(t, a.ID, 0)
	b.Chat(t, a.ID, 1<<42) // nothing is that new
	a.Friends(t)
	a.Profile(t, b.ID)
	a.Unfollow(t, b.ID)
	// The mobile client knows nothing of notices.
	header := http.Header{"Authorization": {"Bearer " + a.Token}}
	d.Raw(t, harness.Request{Method: http.MethodGet, Path: "/api/v1/notices", Header: header})
	v.discover(t, b, clip)
	v.misuse(t, a)
}

// discover has somebody search, look at feeds, and watch.
func (v *driver) discover(t testing.TB, u *harness.User, clip harness.Video) {
	t.Helper()
	query := url.Values{"q": {clip.Title}}
	watch := map[string]any{"items": []any{map[string]any{"video_id": clip.ID, "session": "first", "watched_ms": 3000, "is_finished": true}}}
	for _, r := range []struct {
		method, path string
		query        url.Values
		body         any
	}{
		{http.MethodGet, "/search/videos", query, nil},
		{http.MethodGet, "/search/suggestions", query, nil},
		{http.MethodGet, "/feeds/for-you", nil, nil},
		{http.MethodPost, "/watches", nil, watch},
		{http.MethodGet, "/me/history", nil, nil},
	} {
		if _, err := u.V1(t.Context(), r.method, r.path, r.query, r.body); err != nil {
			t.Fatalf("%s: %v", r.path, err)
		}
	}
}

// misuse is what scanners and broken clients do: what they name must not become a label either.
func (v *driver) misuse(t testing.TB, u *harness.User) {
	t.Helper()
	wrong := fmt.Sprintf("wrong-%d", v.round)
	v.secrets = append(v.secrets, wrong)
	v.d.Call(t, http.MethodPost, harness.PathLogin, harness.Params("username", u.Name, "password", wrong), nil)
	u.Post(t, harness.PathFavorite, "video_id", v.round+1000, "action_type", 1)
	u.Post(t, harness.PathMessage, "to_user_id", u.ID, "action_type", 1, "content", confided)
	v.d.Call(t, http.MethodGet, "/douyin/no/such/"+u.Name, url.Values{"token": {u.Token}}, nil)
	for _, r := range []harness.Request{
		{Method: http.MethodGet, Path: "/" + u.Name + ".php"},
		{Method: http.MethodGet, Path: "/media/videos/" + strconv.FormatInt(u.ID, 10) + ".mp4"},
		{Method: "BREW", Path: "/douyin/feed/"},
		{Method: http.MethodGet, Path: "/static/avatars/" + strconv.Itoa(v.round) + ".png"},
		{Method: http.MethodGet, Path: "/readyz"},
		{Method: http.MethodGet, Path: "/", Header: http.Header{"X-Request-Id": {u.Name}}},
	} {
		v.d.Raw(t, r)
	}
}
