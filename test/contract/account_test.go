package contract_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

func testRegisterAndLogin(t *testing.T, d *harness.Deployment) {
	chinese := strings.Repeat("短", 16) + fmt.Sprintf("%016x", time.Now().UnixNano()) // 32 characters, 64 bytes
	for name, c := range map[string]struct{ username, password string }{
		"letters only, as the demo's tests": {"douyinTest" + d.NewName(), "douyinTestUser"},
		"password is the name":              {d.NewName(), ""},
		"six letters":                       {d.NewName(), "douyin"},
		"32 characters, not bytes":          {chinese, strings.Repeat("密", 32)},
		"spaces and signs":                  {d.NewName() + " a+b&c=d%/?#@.", "p a+s&s=w%o/r?d#"},
		"one character":                     {string(rune('一' + time.Now().UnixNano()%20000)), "p"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.password == "" {
				c.password = c.username
			}
			q := harness.Params("username", c.username, "password", c.password)
			type account struct {
				Code  int32  `json:"status_code"`
				Msg   string `json:"status_msg"`
				ID    int64  `json:"user_id"`
				Token string `json:"token"`
			}
			var registered, known account
			d.Call(t, post, harness.PathRegister, q, nil).OK(t).Decode(t, &registered)
			d.Call(t, post, harness.PathLogin, nil, q).OK(t).Decode(t, &known)
			if registered.ID != known.ID {
				t.Errorf("registered as %d, logged in as %d", registered.ID, known.ID)
			}
			// The official tests read the token of the refused registration, then log in.
			a := d.Call(t, post, harness.PathRegister, q, q).Fails(t, errno.UserNameTaken)
			if token, ok := a.Body["token"]; !ok || token != "" {
				t.Errorf("token of a refused registration is %#v, want an empty string", token)
			}
			for _, token := range []string{registered.Token, known.Token} {
				if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
					t.Errorf("token %q needs escaping in a URL", token)
				}
				if got := d.Call(t, get, harness.PathUser, harness.Params("token", token), nil).
					OK(t).Body["user"].(map[string]any)["name"]; got != c.username {
					t.Errorf("the token's owner is %v, want %s", got, c.username)
				}
			}
		})
	}
	t.Run("names differ by case", func(t *testing.T) {
		name := d.NewName()
		d.Call(t, post, harness.PathRegister, harness.Params("username", "bob"+name, "password", "one"), nil).OK(t)
		d.Call(t, post, harness.PathRegister, harness.Params("username", "Bob"+name, "password", "two"), nil).OK(t)
		d.Call(t, post, harness.PathLogin, harness.Params("username", "Bob"+name, "password", "one"), nil).Fails(t, errno.UserBadCredentials)
	})
	t.Run("unknown name and wrong password are answered alike", func(t *testing.T) {
		u := d.NewUser(t)
		unknown := d.Call(t, post, harness.PathLogin, harness.Params("username", d.NewName(), "password", "secret"), nil)
		wrong := d.Call(t, post, harness.PathLogin, harness.Params("username", u.Name, "password", "secret"), nil)
		if string(unknown.Raw) != string(wrong.Raw) || unknown.Code != errno.UserBadCredentials.Code {
			t.Errorf("unknown: %s, wrong: %s", unknown.Raw, wrong.Raw)
		}
	})
	t.Run("a profile has no holes", func(t *testing.T) {
		u := d.NewUser(t)
		card := u.Profile(t, 0)
		if card.ID != u.ID || card.Name != u.Name || card.IsFollow ||
			card.FollowCount+card.FollowerCount+card.TotalFavorited+card.WorkCount+card.FavoriteCount != 0 {
			t.Errorf("a new user is %+v", card)
		}
		for _, l := range []string{card.Avatar, card.BackgroundImage} {
			if a := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, l)}); a.Status != 200 ||
				!strings.HasPrefix(a.Header.Get("Content-Type"), "image/") ||
				len(a.Raw) == 0 {
				t.Errorf("%s: HTTP %d, %s, %d bytes", l, a.Status, a.Header.Get("Content-Type"), len(a.Raw))
			}
		}
	})
}

// From the tenth failure on guessing is slow, also with the right password; other accounts are not touched.
func testPasswordGuessing(t *testing.T, d *harness.Deployment) {
	victim, other := d.NewUser(t), d.NewUser(t)
	guess := func(password string) harness.Answer {
		return d.Call(t, post, harness.PathLogin, harness.Params("username", victim.Name, "password", password), nil)
	}
	for i := range 9 {
		guess(fmt.Sprint("guess", i)).Fails(t, errno.UserBadCredentials)
	}
	guess(victim.Password).OK(t) // and the count starts anew
	for i := range 10 {
		guess(fmt.Sprint("guess", i)).Fails(t, errno.UserBadCredentials)
	}
	a := guess(victim.Password).Fails(t, errno.TooManyRequests)
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("Retry-After is %q", a.Header.Get("Retry-After"))
	}
	requireShape(t, enveloped(object{"user_id": leaf(zero), "token": leaf(empty)}), a.Body, false)
	d.Login(t, other.Name, other.Password)
	victim.Profile(t, 0) // who is logged in stays so
}

// secret is what the deployment signs tokens with.
func secret(t *testing.T, d *harness.Deployment) []byte {
	t.Helper()
	if s := d.Config.Auth.Secret; s != "" {
		return []byte(s)
	}
	keys, err := auth.LoadOrCreateSecrets(d.Config.DataDir + "/secret")
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

// badTokens are tokens of u that are not valid here.
func badTokens(t *testing.T, d *harness.Deployment, u *harness.User) map[string]string {
	t.Helper()
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(u.Token, &claims); err != nil {
		t.Fatal(err)
	}
	sign := func(method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
		c := claims
		if change != nil {
			change(&c)
		}
		s, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	key := secret(t, d)
	// The same key and claims make a good token, or the bad ones below would show nothing.
	if got := d.Call(t, get, harness.PathUser, harness.Params("token", sign(jwt.SigningMethodHS256, key, nil)), nil).
		OK(t); got.Body["user"] == nil {
		t.Fatal("the test cannot sign tokens")
	}
	head, rest, _ := strings.Cut(u.Token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	other := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf(`{"iss":%q,"sub":"1","exp":9999999999}`, claims.Issuer)))
	return map[string]string{
		"absent":              "",
		"not a token":         "abc",
		"the user's id":       fmt.Sprint(u.ID),
		"long":                strings.Repeat("a", 10000),
		"strange":             "\x00\xff'\"; DROP TABLE users; --",
		"cut off":             u.Token[:len(u.Token)-2],
		"another signature":   head + "." + body + "." + strings.Repeat("A", len(signature)),
		"another user":        head + "." + other + "." + signature,
		"signed with none":    none + "." + body + ".",
		"none, old signature": none + "." + body + "." + signature,
		"another key":         sign(jwt.SigningMethodHS256, []byte(strings.Repeat("k", 32)), nil),
		"another algorithm":   sign(jwt.SigningMethodHS512, key, nil),
		"expired": sign(
			jwt.SigningMethodHS256,
			key,
			func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Hour)) },
		),
		"without end":             sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }),
		"another server's":        sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Issuer = "elsewhere" }),
		"of nobody":               sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "0" }),
		"of somebody impossible":  sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = "-7" }),
		"of no number":            sign(jwt.SigningMethodHS256, key, func(c *jwt.RegisteredClaims) { c.Subject = u.Name }),
		"with the prefix of HTTP": "Bearer " + u.Token,
	}
}

// A bad token is refused where one is needed, and where not makes the caller a visitor: the home screen must not die
// when a login ends.
func testTokens(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	before := w.state(t)
	for name, token := range badTokens(t, d, w.ann) {
		t.Run(name, func(t *testing.T) {
			for _, e := range endpoints() {
				q := e.good(w)
				if !q.Has("token") {
					continue
				}
				q.Set("token", token)
				a := d.Do(t, e.in(q))
				switch e.name {
				case "feed", "user", "publish list", "favorite list", "comment list", "follow list", "follower list":
					requireShape(t, enveloped(e.ok), a.OK(t).Body, true)
					if strings.Contains(string(a.Raw), `"is_favorite":true`) || strings.Contains(string(a.Raw), `"is_follow":true`) {
						t.Errorf("%s: a visitor likes or follows: %s", e.name, a.Raw)
					}
				default:
					requireShape(t, enveloped(e.fail), a.Fails(t, errno.Unauthenticated).Body, false)
				}
			}
			stranger := *w.ann
			stranger.Token = token
			stranger.TryPublish(t, "by nobody", harness.File{Data: harness.TestData(t, "tiny.mp4")}).Fails(t, errno.Unauthenticated)
		})
	}
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
}

// Reads are open to everyone; who is not logged in follows and likes nothing.
func testVisitors(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	visitor := d.Visitor()
	if !w.ann.Profile(t, w.bob.ID).IsFollow || w.ann.Profile(t, w.ann.ID).IsFollow || w.ann.Profile(t, 0).IsFollow {
		t.Error("ann follows bob, and not herself")
	}
	if visitor.Profile(t, w.bob.ID).IsFollow {
		t.Error("a visitor follows")
	}
	if v := w.ann.Published(t, w.bob.ID); len(v) != 1 || !v[0].IsFavorite || !v[0].Author.IsFollow {
		t.Errorf("ann sees %+v", v)
	}
	if v := visitor.Published(t, w.bob.ID); len(v) != 1 || v[0].IsFavorite || v[0].Author.IsFollow {
		t.Errorf("a visitor sees %+v", v)
	}
	// The flag is the viewer's, not that of whose list it is.
	if v := w.eve.Favorites(t, w.ann.ID); len(v) != 1 || v[0].IsFavorite {
		t.Errorf("eve sees of ann's likes %+v", v)
	}
	if v := w.ann.Favorites(t, w.ann.ID); len(v) != 1 || !v[0].IsFavorite {
		t.Errorf("ann sees of her likes %+v", v)
	}
	if c := w.eve.Following(t, w.ann.ID); len(c) != 1 || c[0].ID != w.bob.ID || c[0].IsFollow {
		t.Errorf("eve sees that ann follows %+v", c)
	}
	if c := w.ann.Followers(t, w.bob.ID); len(c) != 1 || c[0].ID != w.ann.ID || c[0].IsFollow {
		t.Errorf("ann sees herself among bob's followers as %+v", c)
	}
	if c := w.bob.Followers(t, w.bob.ID); len(c) != 1 || !c[0].IsFollow {
		t.Errorf("bob follows back, and sees %+v", c)
	}
	if c := visitor.Comments(t, w.video.ID); len(c) != 2 || c[0].User.IsFollow || c[1].User.IsFollow {
		t.Errorf("a visitor sees comments %+v", c)
	}
	for name, a := range map[string]harness.Answer{
		"own profile":                 visitor.Get(t, harness.PathUser),
		"own videos":                  visitor.Get(t, harness.PathPublishList, "user_id", 0),
		"own likes":                   visitor.Get(t, harness.PathFavoriteList, "user_id", 0),
		"own follows":                 visitor.Get(t, harness.PathFollowList, "user_id", 0),
		"own followers":               visitor.Get(t, harness.PathFollowerList, "user_id", 0),
		"friends need a login":        visitor.Get(t, harness.PathFriendList, "user_id", w.ann.ID),
		"chat needs a login":          visitor.Get(t, harness.PathChat, "to_user_id", w.ann.ID),
		"likes need a login":          visitor.Post(t, harness.PathFavorite, "video_id", w.video.ID, "action_type", 1),
		"comments need a login":       visitor.Post(t, harness.PathComment, "video_id", w.video.ID, "action_type", 1, "comment_text", "x"),
		"follows need a login":        visitor.Post(t, harness.PathRelation, "to_user_id", w.ann.ID, "action_type", 1),
		"messages need a login":       visitor.Post(t, harness.PathMessage, "to_user_id", w.ann.ID, "action_type", 1, "content", "x"),
		"a login before a parameter":  visitor.Post(t, harness.PathFavorite, "video_id", "x", "action_type", 9),
		"publish needs a login":       visitor.TryPublish(t, "x", harness.File{Data: harness.TestData(t, "tiny.mp4")}),
		"publish, nothing but a file": visitor.TryPublish(t, "", harness.File{Data: harness.TestData(t, "tiny.mp4")}),
	} {
		if a.Code != errno.Unauthenticated.Code {
			t.Errorf("%s: %d %s", name, a.Code, a.Msg)
		}
	}
}
