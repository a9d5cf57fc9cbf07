package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// credentials are a name and its password, as a body.
func credentials(name, password string) map[string]any {
	return map[string]any{"name": name, "password": password}
}

const v1Password = "a long walk by the sea"

// register makes an account on /api/v1, with a token.
func (d *v1Document) register(t *testing.T, dep *harness.Deployment) *v1User {
	t.Helper()
	visitor := d.user(dep, dep.Visitor())
	var s v1.SessionResponse
	name := dep.NewName()
	visitor.do(t, post, "/users", credentials(name, v1Password), 201, &s)
	if s.Token == nil || *s.Token == "" || s.User.ID <= 0 || s.User.Name != name || s.Session.ID <= 0 || !s.Session.IsCurrent {
		t.Fatalf("registered: %+v", s)
	}
	return &v1User{d: dep, doc: d, id: s.User.ID, name: name, token: *s.Token}
}

// login opens another session of an account.
func (u *v1User) login(t *testing.T, password string) (*v1User, int64) {
	t.Helper()
	visitor := &v1User{d: u.d, doc: u.doc}
	var s v1.SessionResponse
	visitor.do(t, post, "/sessions", credentials(u.name, password), 201, &s)
	if s.Token == nil || s.User.ID != u.id {
		t.Fatalf("logged in: %+v", s)
	}
	return &v1User{d: u.d, doc: u.doc, id: u.id, name: u.name, token: *s.Token}, s.Session.ID
}

// ended waits until a session is refused, which takes two seconds at most.
func (u *v1User) ended(t *testing.T) {
	t.Helper()
	refused(t, func() harness.Answer { return u.send(t, harness.Request{Method: get, Path: v1Path + "/me"}) })
}

func refused(t *testing.T, ask func() harness.Answer) {
	t.Helper()
	harness.Eventually(t, 5*time.Second, func() error {
		if a := ask(); a.Status != http.StatusUnauthorized {
			return fmt.Errorf("%d %.200s", a.Status, a.Raw)
		}
		return nil
	})
}

func testV1Sessions(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann := doc.register(t, d)
	visitor := doc.user(d, d.Visitor())
	visitor.fails(t, post, "/users", credentials(ann.name, v1Password), errno.UserNameTaken)
	visitor.fails(t, post, "/users", credentials(d.NewName(), "password"), errno.PasswordTooCommon)
	visitor.fails(t, post, "/sessions", credentials(ann.name, "wrong"), errno.UserBadCredentials)
	visitor.fails(t, post, "/sessions", credentials(d.NewName(), "wrong"), errno.UserBadCredentials)

	phone, phoneID := ann.login(t, v1Password)
	_, tabletID := ann.login(t, v1Password)
	list := func(u *v1User) map[int64]bool {
		var page v1.SessionPage
		u.do(t, get, "/sessions", nil, 200, &page)
		all := map[int64]bool{}
		for _, s := range page.Items {
			all[s.ID] = s.IsCurrent
		}
		return all
	}
	if got := list(phone); len(got) != 3 || !got[phoneID] || got[tabletID] {
		t.Errorf("sessions: %v", got)
	}
	var me v1.Me
	phone.do(t, get, "/me", nil, 200, &me)
	if me.User.ID != ann.id || me.SessionID != phoneID || me.UnreadConversations != 0 {
		t.Errorf("me: %+v", me)
	}
	ann.do(t, del, at("/sessions/%d", phoneID), nil, 204, nil)
	phone.ended(t)
	ann.fails(t, del, at("/sessions/%d", int64(nobody)), nil, errno.SessionNotFound)
	other := doc.register(t, d)
	other.fails(t, del, at("/sessions/%d", tabletID), nil, errno.SessionNotFound)
	ann.do(t, del, "/sessions", nil, 204, nil)
	if got := list(ann); len(got) != 1 {
		t.Errorf("the only session: %v", got)
	}
	ann.do(t, del, "/sessions/current", nil, 204, nil)
	ann.ended(t)
	other.do(t, get, "/me", nil, 200, nil)
}

// cookieOf is the session cookie that an answer sets.
func cookieOf(a harness.Answer) *http.Cookie {
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name == "session" {
			return c
		}
	}
	return nil
}

// testV1WebSessions: a browser that asks for a cookie gets no token, and logging out takes the cookie away.
func testV1WebSessions(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann := doc.register(t, d)
	visitor := doc.user(d, d.Visitor())
	body, _ := json.Marshal(map[string]any{"name": ann.name, "password": v1Password, "cookie": true})
	login := func(origin string) harness.Answer {
		return visitor.send(t, harness.Request{
			Method: post, Path: v1Path + "/sessions", Body: body, ContentType: jsonType, Header: http.Header{"Origin": {origin}},
		})
	}
	if a := login("https://evil.example"); a.Status != http.StatusForbidden || cookieOf(a) != nil {
		t.Errorf("from another site: %d %v", a.Status, a.Header)
	}
	a := login(d.URL())
	cookie := cookieOf(a)
	if a.Status != 201 || cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" ||
		cookie.MaxAge <= 0 || strings.Contains(string(a.Raw), `"token"`) {
		t.Fatalf("web session: %d %v %s", a.Status, a.Header, a.Raw)
	}
	ask := func(method, path string) harness.Answer {
		return visitor.send(t, harness.Request{
			Method: method, Path: v1Path + path, Header: http.Header{"Cookie": {"session=" + cookie.Value}, "Origin": {d.URL()}},
		})
	}
	if a := ask(get, "/me"); a.Status != 200 {
		t.Errorf("with the cookie: %d %s", a.Status, a.Raw)
	}
	if a := ask(del, "/sessions/current"); a.Status != 204 || cookieOf(a) == nil || cookieOf(a).Value != "" {
		t.Errorf("logged out: %d %v", a.Status, a.Header)
	}
	refused(t, func() harness.Answer { return ask(get, "/me") })
}

func testV1Password(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann := doc.register(t, d)
	phone, _ := ann.login(t, v1Password)
	change := func(from, to string) map[string]any { return map[string]any{"old_password": from, "new_password": to} }
	ann.fails(t, put, "/me/password", change("wrong", "another long walk"), errno.UserBadCredentials)
	ann.fails(t, put, "/me/password", change(v1Password, "password"), errno.PasswordTooCommon)
	ann.do(t, put, "/me/password", change(v1Password, "another long walk"), 204, nil)
	ann.do(t, get, "/me", nil, 200, nil)
	phone.ended(t)
	(&v1User{d: d, doc: doc}).fails(t, post, "/sessions", credentials(ann.name, v1Password), errno.UserBadCredentials)
	ann.login(t, "another long walk")
}

func testV1Profile(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann := doc.register(t, d)
	var u v1.User
	ann.do(t, patch, "/me", map[string]any{"display_name": "Ann 李", "signature": "by the sea"}, 200, &u)
	if u.ID != ann.id || u.DisplayName != "Ann 李" || u.Signature != "by the sea" || u.Name != ann.name {
		t.Errorf("edited: %+v", u)
	}
	ann.do(t, patch, "/me", map[string]any{"signature": ""}, 200, &u)
	if u.DisplayName != "Ann 李" {
		t.Errorf("absent fields stay: %+v", u)
	}
	ann.do(t, patch, "/me", map[string]any{"display_name": ""}, 200, &u)
	if u.DisplayName != ann.name {
		t.Errorf("no display name: %+v", u)
	}
	ann.do(t, get, "/users/by-name/"+ann.name, nil, 200, &u)
	if u.ID != ann.id {
		t.Errorf("by name: %+v", u)
	}
	ann.fails(t, get, "/users/by-name/"+d.NewName(), nil, errno.UserNotFound)
	var me v1.Me
	if ann.do(t, get, "/me", nil, 200, &me); me.User.DisplayName != ann.name {
		t.Errorf("me: %+v", me.User)
	}
}

func testV1Pictures(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann := doc.register(t, d)
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	img.Set(3, 3, color.White)
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	set := func(what, kind string, data []byte) harness.Answer {
		return ann.send(t, harness.Request{Method: put, Path: v1Path + "/me/" + what, Body: data, ContentType: kind})
	}
	for _, what := range []string{"avatar", "background"} {
		var drawn, own v1.User
		ann.do(t, del, "/me/"+what, nil, 200, &drawn)
		a := set(what, "image/png", file.Bytes())
		if a.Status != 200 {
			t.Fatalf("%s: %d %s", what, a.Status, a.Raw)
		}
		decode(t, a, &own)
		address, before := own.AvatarURL, drawn.AvatarURL
		if what == "background" {
			address, before = own.BackgroundURL, drawn.BackgroundURL
		}
		if address == before {
			t.Errorf("%s stays %s", what, address)
		}
		if got := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, address)}); got.Status != 200 || len(got.Raw) == 0 {
			t.Errorf("%s: %d", address, got.Status)
		}
		if a := set(what, "image/png", []byte("not a picture")); a.Status != errno.PictureUnreadable.Status() {
			t.Errorf("not a picture: %d %s", a.Status, a.Raw)
		}
		if a := set(what, "image/png", make([]byte, 8<<20+1)); a.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("a large file: %d %s", a.Status, a.Raw)
		}
		ann.do(t, del, "/me/"+what, nil, 200, nil)
	}
}

func testV1Conversations(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann, bob := doc.register(t, d), doc.register(t, d)
	send := func(from, to *v1User, text string) (m v1.Message) {
		from.do(t, post, at("/conversations/%d/messages", to.id), map[string]any{"content": text}, 201, &m)
		if m.ID <= 0 || m.FromUserID != from.id || m.ToUserID != to.id || m.Content != text {
			t.Errorf("sent: %+v", m)
		}
		return m
	}
	var last v1.Message
	for i := range 5 {
		last = send(ann, bob, at("message %d", i))
	}
	var talks v1.ConversationPage
	bob.do(t, get, "/conversations", nil, 200, &talks)
	if len(talks.Items) != 1 || talks.Items[0].User.ID != ann.id || talks.Items[0].UnreadCount != 5 ||
		talks.Items[0].LastMessage.ID != last.ID {
		t.Errorf("conversations: %+v", talks)
	}
	var me v1.Me
	if bob.do(t, get, "/me", nil, 200, &me); me.UnreadConversations != 1 {
		t.Errorf("unread: %+v", me)
	}
	bob.do(t, put, at("/conversations/%d/read", ann.id), map[string]any{"until": last.CreatedAt}, 204, nil)
	bob.do(t, get, "/conversations", nil, 200, &talks)
	if len(talks.Items) != 1 || talks.Items[0].UnreadCount != 0 {
		t.Errorf("read: %+v", talks)
	}
	// Into the past by pages, each once; then a poll from where the first page said.
	var page v1.MessagePage
	path := at("/conversations/%d/messages", ann.id)
	var texts []string
	newer, cursor := "", ""
	for range 5 {
		bob.do(t, get, path+"?limit=2&cursor="+cursor, nil, 200, &page)
		for _, m := range page.Items {
			texts = append(texts, m.Content)
		}
		if newer == "" {
			newer = page.NewerCursor
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if got := strings.Join(texts, ","); got != "message 4,message 3,message 2,message 1,message 0" {
		t.Errorf("older: %s", got)
	}
	bob.do(t, get, path+"?direction=newer&cursor="+newer, nil, 200, &page)
	if len(page.Items) != 0 || page.NextCursor == "" {
		t.Errorf("nothing is new: %+v", page)
	}
	send(ann, bob, "one more")
	send(bob, ann, "and my own")
	bob.do(t, get, path+"?direction=newer&cursor="+page.NextCursor, nil, 200, &page)
	if len(page.Items) != 2 || page.Items[0].Content != "one more" || page.Items[1].Content != "and my own" {
		t.Errorf("newer: %+v", page)
	}
	ann.fails(t, post, at("/conversations/%d/messages", ann.id), map[string]any{"content": "x"}, errno.ChatSelf)
	ann.fails(t, post, at("/conversations/%d/messages", int64(nobody)), map[string]any{"content": "x"}, errno.UserNotFound)
}

// What one of two has deleted is gone from all that they read, of both APIs, and stays where the other reads.
func testV1DeleteMessages(t *testing.T, d *harness.Deployment, doc *v1Document) {
	ann, mobile := doc.register(t, d), d.NewUser(t)
	bob := doc.user(d, mobile)
	send := func(from, to *v1User, text string) (m v1.Message) {
		from.do(t, post, at("/conversations/%d/messages", to.id), map[string]any{"content": text}, 201, &m)
		return m
	}
	var sent []v1.Message
	for i := range 3 {
		sent = append(sent, send(ann, bob, at("message %d", i)))
	}
	texts := func(of, with *v1User) string {
		var page v1.MessagePage
		of.do(t, get, at("/conversations/%d/messages", with.id), nil, 200, &page)
		var out []string
		for _, m := range page.Items {
			out = append(out, m.Content)
		}
		return strings.Join(out, ",")
	}
	list := func(of *v1User) string {
		var page v1.ConversationPage
		of.do(t, get, "/conversations", nil, 200, &page)
		var out []string
		for _, c := range page.Items {
			out = append(out, at("%s, %d unread", c.LastMessage.Content, c.UnreadCount))
		}
		return strings.Join(out, "; ")
	}
	want := func(what, bobs, bobsList, anns string) {
		t.Helper()
		if got := texts(bob, ann); got != bobs {
			t.Errorf("%s: bob reads %q, want %q", what, got, bobs)
		}
		if got := list(bob); got != bobsList {
			t.Errorf("%s: bob's list has %q, want %q", what, got, bobsList)
		}
		if got := texts(ann, bob); got != anns {
			t.Errorf("%s: ann reads %q, want %q", what, got, anns)
		}
	}
	for range 2 { // twice is success
		bob.do(t, del, at("/conversations/%d/messages/%d", ann.id, sent[2].ID), nil, 204, nil)
	}
	want("the newest one deleted", "message 1,message 0", "message 1, 2 unread", "message 2,message 1,message 0")
	bob.fails(t, del, at("/conversations/%d/messages/%d", ann.id, int64(nobody)), nil, errno.MessageNotFound)
	bob.fails(t, del, at("/conversations/%d/messages/%d", int64(nobody), sent[0].ID), nil, errno.MessageNotFound)
	bob.fails(t, del, at("/conversations/%d/messages/x", ann.id), nil, errno.InvalidArgument)
	bob.fails(t, del, "/conversations/x", nil, errno.InvalidArgument)

	for range 2 {
		bob.do(t, del, at("/conversations/%d", ann.id), nil, 204, nil)
	}
	want("all deleted", "", "", "message 2,message 1,message 0")
	var me v1.Me
	if bob.do(t, get, "/me", nil, 200, &me); me.UnreadConversations != 0 {
		t.Errorf("unread: %+v", me)
	}
	if got := mobile.Chat(t, ann.id, 0); len(got) != 0 {
		t.Errorf("the mobile client reads %v", got)
	}
	send(ann, bob, "again")
	want("the next one", "again", "again, 1 unread", "again,message 2,message 1,message 0")
	if got := mobile.Chat(t, ann.id, 0); len(got) != 1 {
		t.Errorf("the mobile client reads %v", got)
	}
}
