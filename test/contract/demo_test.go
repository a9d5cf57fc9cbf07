package contract_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"tiktok/test/harness"
)

// demo makes the calls that the acceptance tests of the official demo server make, the way they make them: most
// parameters in the query and in a form at once, also with GET; ids read as float64; nothing cleaned up afterwards.
type demo struct{ d *harness.Deployment }

// expect makes a call and returns its answer as a careless client decodes it, all numbers float64.
func (c demo) expect(t *testing.T, method, path string, query, form url.Values) map[string]any {
	t.Helper()
	a := c.d.Call(t, method, path, query, form).OK(t)
	var o map[string]any
	if err := json.Unmarshal(a.Raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// token logs in a test user: it registers first, reads the token of that answer even when it is a refusal, and logs in
// when there is none.
func (c demo) token(t *testing.T, name string) (id int, token string) {
	t.Helper()
	p := harness.Params("username", name, "password", name)
	a := c.d.Call(t, post, "/douyin/user/register/", p, p)
	token, ok := a.Body["token"].(string)
	if !ok {
		t.Fatalf("register answers without a token: %s", a.Raw)
	}
	if token != "" {
		return int(number(t, c.expect(t, get, "/douyin/user/", harness.Params("token", token), nil)["user"], "id")), token
	}
	login := c.expect(t, post, "/douyin/user/login/", p, p)
	token, ok = login["token"].(string)
	if !ok || token == "" {
		t.Fatalf("login answers with token %v", login["token"])
	}
	return int(number(t, login, "user_id")), token
}

func number(t *testing.T, of any, key string) float64 {
	t.Helper()
	o, ok := of.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", of)
	}
	n, ok := o[key].(float64)
	if !ok || n <= 0 {
		t.Fatalf("%s is %v, want a number above 0", key, o[key])
	}
	return n
}

func list(t *testing.T, o map[string]any, key string) []any {
	t.Helper()
	l, ok := o[key].([]any)
	if !ok {
		t.Fatalf("%s is %v, want a list", key, o[key])
	}
	return l
}

func requirePlayable(t *testing.T, videos []any) {
	t.Helper()
	if len(videos) == 0 {
		t.Fatal("no videos")
	}
	for _, v := range videos {
		o, ok := v.(map[string]any)
		if !ok || o["play_url"] == "" || o["play_url"] == nil || o["cover_url"] == "" || o["cover_url"] == nil {
			t.Errorf("video %v has no play_url or no cover_url", v)
		}
		number(t, o["author"], "id")
	}
}

// testOfficialDemo runs them twice on one store.
func testOfficialDemo(t *testing.T, d *harness.Deployment) {
	c := demo{d}
	for round := range 2 {
		t.Run(fmt.Sprint("round ", round+1), func(t *testing.T) {
			t.Run("feed", c.feed)
			t.Run("user", func(t *testing.T) { c.user(t, round) })
			t.Run("publish", c.publish)
			t.Run("favorite", c.favorite)
			t.Run("comment", c.comment)
			t.Run("relation", c.relation)
			t.Run("chat", c.chat)
		})
	}
	if t.Failed() {
		return
	}
	t.Run("what was done twice counts once", func(t *testing.T) {
		a, tokenA := c.token(t, "douyinTestUserA")
		card := c.expect(t, get, "/douyin/user/", harness.Params("token", tokenA, "user_id", a), nil)["user"]
		if n := number(t, card, "follow_count"); n != 1 {
			t.Errorf("A follows %v users", n)
		}
		if n := number(t, card, "work_count"); n != 2 {
			t.Errorf("A has published %v videos", n)
		}
	})
}

func (c demo) feed(t *testing.T) {
	requirePlayable(t, list(t, c.expect(t, get, "/douyin/feed/", nil, nil), "video_list"))
}

func (c demo) user(t *testing.T, round int) {
	name := fmt.Sprint("douyin", 10000+round)
	p := harness.Params("username", name, "password", name)
	registered := c.expect(t, post, "/douyin/user/register/", p, p)
	number(t, registered, "user_id")
	login := c.expect(t, post, "/douyin/user/login/", p, p)
	if number(t, login, "user_id") != number(t, registered, "user_id") {
		t.Error("login and register disagree about the id")
	}
	token, ok := login["token"].(string)
	if !ok || token == "" {
		t.Fatal("no token")
	}
	card := c.expect(t, get, "/douyin/user/", harness.Params("token", token), nil)["user"]
	number(t, card, "id")
	if o, ok := card.(map[string]any); !ok || o["name"] != name {
		t.Errorf("the user is %v", card)
	}
}

func (c demo) publish(t *testing.T) {
	id, token := c.token(t, "douyinTestUserA")
	clip := officialClip(t)
	if clip == nil {
		clip = harness.TestData(t, "tiny.mp4")
	}
	r := harness.Multipart(t, post, "/douyin/publish/action/", harness.Params("token", token, "title", "Bear"),
		harness.File{Field: "data", Name: "bear.mp4", Data: clip})
	c.d.Do(t, r).OK(t)
	p := harness.Params("user_id", id, "token", token)
	requirePlayable(t, list(t, c.expect(t, get, "/douyin/publish/list/", p, p), "video_list"))
}

// firstVideo is the id of the first video of the feed as those tests keep it.
func (c demo) firstVideo(t *testing.T) string {
	t.Helper()
	videos := list(t, c.expect(t, get, "/douyin/feed/", nil, nil), "video_list")
	if len(videos) == 0 {
		t.Fatal("no videos")
	}
	return fmt.Sprint(number(t, videos[0], "id"))
}

func (c demo) favorite(t *testing.T) {
	video := c.firstVideo(t)
	id, token := c.token(t, "douyinTestUserA")
	p := harness.Params("token", token, "video_id", video, "action_type", 1)
	c.expect(t, post, "/douyin/favorite/action/", p, p)
	p = harness.Params("token", token, "user_id", id)
	videos := list(t, c.expect(t, get, "/douyin/favorite/list/", p, p), "video_list")
	requirePlayable(t, videos)
	for _, v := range videos {
		if fmt.Sprint(number(t, v, "id")) == video {
			return
		}
	}
	t.Errorf("the liked video %s is not in the list", video)
}

func (c demo) comment(t *testing.T) {
	video := c.firstVideo(t)
	_, token := c.token(t, "douyinTestUserA")
	p := harness.Params("token", token, "video_id", video, "action_type", 1, "comment_text", "test comment")
	id := number(t, c.expect(t, post, "/douyin/comment/action/", p, p)["comment"], "id")
	q := harness.Params("token", token, "video_id", video)
	var found bool
	for _, comment := range list(t, c.expect(t, get, "/douyin/comment/list/", q, q), "comment_list") {
		number(t, comment, "id")
		if o, ok := comment.(map[string]any); !ok || o["content"] == "" || o["create_date"] == "" || o["user"] == nil {
			t.Errorf("comment %v", comment)
		}
		found = found || number(t, comment, "id") == id
	}
	if !found {
		t.Error("the comment is not in the list")
	}
	p = harness.Params("token", token, "video_id", video, "action_type", 2, "comment_id", int(id))
	if _, ok := c.expect(t, post, "/douyin/comment/action/", p, p)["comment"]; ok {
		t.Error("the answer to a deletion has a comment")
	}
}

func (c demo) relation(t *testing.T) {
	a, tokenA := c.token(t, "douyinTestUserA")
	b, tokenB := c.token(t, "douyinTestUserB")
	p := harness.Params("token", tokenA, "to_user_id", b, "action_type", 1)
	c.expect(t, post, "/douyin/relation/action/", p, p)
	requireListed := func(path, token string, whose, who int) {
		t.Helper()
		p := harness.Params("token", token, "user_id", whose)
		for _, u := range list(t, c.expect(t, get, path, p, p), "user_list") {
			if int(number(t, u, "id")) == who {
				return
			}
		}
		t.Errorf("%d is not in %s of %d", who, path, whose)
	}
	requireListed("/douyin/relation/follow/list/", tokenA, a, b)
	requireListed("/douyin/relation/follower/list/", tokenB, b, a)
}

func (c demo) chat(t *testing.T) {
	a, tokenA := c.token(t, "douyinTestUserA")
	b, tokenB := c.token(t, "douyinTestUserB")
	p := harness.Params("token", tokenA, "to_user_id", b, "action_type", 1, "content", "Send to UserB")
	c.expect(t, post, "/douyin/message/action/", p, p)
	p = harness.Params("token", tokenB, "to_user_id", a, "action_type", 1, "content", "Send to UserA")
	c.expect(t, post, "/douyin/message/action/", p, p)
	for token, peer := range map[string]int{tokenA: b, tokenB: a} {
		p := harness.Params("token", token, "to_user_id", peer)
		if n := len(list(t, c.expect(t, get, "/douyin/message/chat/", p, p), "message_list")); n < 2 {
			t.Errorf("%d messages, want at least 2", n)
		}
	}
}
