package contract_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// maxText is longer than any text that the API answers for a person.
const maxText = 120

// leaks are words of Go, SQL and the network. A text for a person has none of them.
var leaks = regexp.MustCompile(
	`(?i)goroutine|panic|runtime|strconv|\bnil\b|0x[0-9a-f]|\.go\b|sql|select |insert |update |table|column|constraint|duplicate|gorm|` +
		`tcp|udp|dial|localhost|127\.|::1|socket|\bEOF\b|refused|reset by|deadline|context|canceled|rpc|kitex|hertz|thrift|etcd|redis|` +
		`rabbit|amqp|json[:.]|unmarshal|parse|mime|multipart:|jwt|signature is invalid|hmac|argon|bcrypt|/tmp|\bdata/|errno|error \d|%!|` +
		`<nil>|\{|\[`,
)

// requireText fails the test unless the answer's text is one for a person.
func requireText(t testing.TB, a harness.Answer) {
	t.Helper()
	if n := utf8.RuneCountInString(a.Msg); n == 0 || n > maxText {
		t.Errorf("a text of %d characters: %s", n, a.Msg)
	}
	if found := leaks.FindString(a.Msg); found != "" {
		t.Errorf("%q in %q", found, a.Msg)
	}
	if strings.ContainsFunc(a.Msg, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("characters that cannot be shown in %q", a.Msg)
	}
}

// bad is one request that must be refused.
type bad struct {
	name string
	r    harness.Request
	// want is one of these, or with none any known error.
	want []*errno.Error
}

// values of a parameter that is an id and has to be there.
func badIDs() map[string]string {
	return map[string]string{
		"missing": "", "zero": "0", "negative": "-1", "minus nothing": "-", "not a number": "abc", "hex": "0x10", "a fraction": "1.5",
		"too large for int64": "9223372036854775808", "huge": strings.Repeat("9", 40), "longer than any number": strings.Repeat("1", 5000),
		"float too large": "1e400", "float not exact": "1e17", "NaN": "NaN", "Inf": "+Inf", "a list": "[1]", "two": "1,2", "SQL": "1 OR 1=1",
		"quote":       "'",
		"underscores": "1_000", "Arabic digits": "١٢٣", "full-width digits": "１２３", "NUL": "1\x00", "not UTF-8": "\xff", "line feed": "1\n2",
		"nobody's": "1", "nobody's, large": "9007199254740991",
	}
}

func badActions() map[string]string {
	return map[string]string{
		"missing": "", "0": "0", "3": "3", "-1": "-1", "text": "like", "true": "true", "fraction": "1.5", "huge": "99999999999999999999",
		"1 and more": "1abc", "wraps to 1": "4294967297", "NaN": "NaN",
	}
}

func badTexts(longest int) map[string]string {
	return map[string]string{
		"missing": "", "blank": " \t ", "ideographic space": "　　", "zero width": "\u200b\u200b", "too long": strings.Repeat("x", longest+1),
		"too long in Chinese": strings.Repeat("长", longest+1), "20 kB": strings.Repeat("x", 20_000), "NUL": "a\x00b", "escape": "\x1b[31mred",
		"bell": "a\ab", "C1 control": "a\u0085b", "not UTF-8": "a\xff\xfeb", "half a character": "a\xe4\xb8", "surrogate": "a\xed\xa0\x80b",
		"overlong": "\xc0\xaf",
	}
}

// testBadInput: whatever is sent, the answer is HTTP 200 with a known code and a short text for a person, and nothing
// is stored and no counter moves.
func testBadInput(t *testing.T, d *harness.Deployment) {
	for group, cases := range badGroups() {
		t.Run(group, func(t *testing.T) {
			w := newWorld(t, d) // of its own: one user may not do so much at once
			other := w.eve.Publish(t, "another video")
			before, files := w.state(t), stored(t, d)
			for _, c := range cases(w, other) {
				t.Run(c.name, func(t *testing.T) { requireText(t, d.Do(t, c.r).Fails(t, c.want...)) })
			}
			if after := w.state(t); after != before {
				t.Errorf("something was changed:\n%s", diff(before, after))
			}
			if now := stored(t, d); !slices.Equal(now, files) {
				t.Errorf("files are left behind: %v", now)
			}
		})
	}
	t.Run("refused names are not stored", func(t *testing.T) { testRefusedNames(t, d) })
}

// group makes requests that must be refused, about the things of a world.
type group func(w *world, other harness.Video) []bad

func badGroups() map[string]group {
	p := harness.Params
	var (
		argument = []*errno.Error{errno.InvalidArgument}
		noVideo  = []*errno.Error{errno.InvalidArgument, errno.VideoNotFound}
		nobody   = []*errno.Error{errno.InvalidArgument, errno.UserNotFound}
	)
	one := func(name, path string, u *harness.User, want *errno.Error, pairs ...any) bad {
		q := p(pairs...)
		q.Set("token", u.Token)
		return bad{name, harness.Request{Method: post, Path: path, Query: q}, []*errno.Error{want}}
	}
	groups := map[string]group{
		"like": func(w *world, _ harness.Video) []bad {
			good := p("video_id", w.video.ID, "action_type", 1, "token", w.ann.Token)
			return slices.Concat(
				vary(post, harness.PathFavorite, good, "video_id", badIDs(), noVideo),
				vary(post, harness.PathFavorite, good, "action_type", badActions(), argument))
		},
		"unlike": func(w *world, _ harness.Video) []bad {
			good := p("video_id", w.video.ID, "action_type", 2, "token", w.ann.Token)
			return vary(post, harness.PathFavorite, good, "video_id", badIDs(), noVideo)
		},
		"comment": func(w *world, _ harness.Video) []bad {
			good := p("video_id", w.video.ID, "action_type", 1, "comment_text", "bad", "token", w.ann.Token)
			return slices.Concat(
				vary(post, harness.PathComment, good, "video_id", badIDs(), noVideo),
				vary(post, harness.PathComment, good, "action_type", badActions(), argument),
				vary(post, harness.PathComment, good, "comment_text", badTexts(500), argument))
		},
		"delete a comment": func(w *world, other harness.Video) []bad {
			good := p("video_id", w.video.ID, "action_type", 2, "comment_id", w.comment.ID, "token", w.ann.Token)
			return slices.Concat(
				vary(
					post,
					harness.PathComment,
					good,
					"video_id",
					badIDs(),
					[]*errno.Error{errno.InvalidArgument, errno.VideoNotFound, errno.CommentNotFound},
				),
				vary(post, harness.PathComment, good, "comment_id", badIDs(), []*errno.Error{errno.InvalidArgument, errno.CommentNotFound}),
				[]bad{
					one(
						"another's",
						harness.PathComment,
						w.ann,
						errno.Forbidden,
						"video_id",
						w.video.ID,
						"action_type",
						2,
						"comment_id",
						w.bobsComment.ID,
					),
					one(
						"by the video's author",
						harness.PathComment,
						w.bob,
						errno.Forbidden,
						"video_id",
						w.video.ID,
						"action_type",
						2,
						"comment_id",
						w.comment.ID,
					),
					one(
						"below another video",
						harness.PathComment,
						w.ann,
						errno.CommentNotFound,
						"video_id",
						other.ID,
						"action_type",
						2,
						"comment_id",
						w.comment.ID,
					),
					one(
						"the video's id",
						harness.PathComment,
						w.ann,
						errno.CommentNotFound,
						"video_id",
						w.video.ID,
						"action_type",
						2,
						"comment_id",
						w.video.ID,
					),
				},
			)
		},
		"follow": func(w *world, _ harness.Video) []bad {
			good := p("to_user_id", w.eve.ID, "action_type", 1, "token", w.ann.Token)
			return slices.Concat(
				vary(post, harness.PathRelation, good, "to_user_id", badIDs(), nobody),
				vary(post, harness.PathRelation, good, "action_type", badActions(), argument),
				[]bad{one("oneself", harness.PathRelation, w.ann, errno.SocialSelf, "to_user_id", w.ann.ID, "action_type", 1)})
		},
		"unfollow": func(w *world, _ harness.Video) []bad {
			good := p("to_user_id", w.bob.ID, "action_type", 2, "token", w.ann.Token)
			return append(vary(post, harness.PathRelation, good, "to_user_id", badIDs(), nobody),
				one("oneself", harness.PathRelation, w.ann, errno.SocialSelf, "to_user_id", w.ann.ID, "action_type", 2))
		},
		"message": func(w *world, _ harness.Video) []bad {
			good := p("to_user_id", w.bob.ID, "action_type", 1, "content", "bad", "token", w.ann.Token)
			return slices.Concat(
				vary(post, harness.PathMessage, good, "to_user_id", badIDs(), nobody),
				vary(post, harness.PathMessage, good, "action_type", badActions(), argument),
				vary(post, harness.PathMessage, good, "content", badTexts(1000), argument),
				[]bad{
					one("oneself", harness.PathMessage, w.ann, errno.ChatSelf, "to_user_id", w.ann.ID, "action_type", 1, "content", "bad"),
					one(
						"there is no undoing",
						harness.PathMessage,
						w.ann,
						errno.InvalidArgument,
						"to_user_id",
						w.bob.ID,
						"action_type",
						2,
						"content",
						"bad",
					),
				})
		},
		"comment list": func(w *world, _ harness.Video) []bad {
			return vary(get, harness.PathCommentList, p("token", w.ann.Token), "video_id", badIDs(), noVideo)
		},
		"user": func(w *world, _ harness.Video) []bad {
			return vary(get, harness.PathUser, p("token", w.ann.Token), "user_id", without(badIDs(), "missing", "zero"), nobody) // that is oneself
		},
		"chat": func(w *world, _ harness.Video) []bad {
			// A conversation with somebody who does not exist is empty.
			return slices.Concat(
				vary(
					get,
					harness.PathChat,
					p("token", w.ann.Token),
					"to_user_id",
					without(badIDs(), "nobody's", "nobody's, large", "two", "a list", "quote"),
					nobody,
				),
				vary(
					get,
					harness.PathChat,
					p("token", w.ann.Token, "to_user_id", w.bob.ID),
					"pre_msg_time",
					map[string]string{"text": "yesterday", "huge": "1e300", "NUL": "\x00"},
					argument,
				),
			)
		},
		"register": func(w *world, _ harness.Video) []bad {
			return accounts(w.d, harness.PathRegister, errno.InvalidArgument)
		},
		"login": func(w *world, _ harness.Video) []bad {
			return accounts(w.d, harness.PathLogin, errno.InvalidArgument, errno.UserBadCredentials)
		},
	}
	for _, path := range []string{
		harness.PathPublishList, harness.PathFavoriteList, harness.PathFollowList, harness.PathFollowerList,
		harness.PathFriendList,
	} {
		groups[path] = func(w *world, _ harness.Video) []bad {
			// The lists of somebody who does not exist may be empty.
			return vary(get, path, p("token", w.ann.Token), "user_id", without(badIDs(), "missing", "zero", "nobody's", "nobody's, large"), nobody)
		}
	}
	return groups
}

// vary puts each value, one after the other, in the place of a good one: in the query, and in a form.
func vary(method, path string, good url.Values, name string, values map[string]string, want []*errno.Error) (all []bad) {
	for what, v := range values {
		q := maps.Clone(good)
		q.Set(name, v)
		all = append(all,
			bad{name + " " + what, harness.Request{Method: method, Path: path, Query: q}, want},
			bad{name + " " + what + ", in a form", harness.Form(method, path, q), want})
	}
	return all
}

func without(values map[string]string, names ...string) map[string]string {
	for _, name := range names {
		delete(values, name)
	}
	return values
}

// accounts are names and passwords that nobody can have.
func accounts(d *harness.Deployment, path string, want ...*errno.Error) (all []bad) {
	for _, field := range []string{"username", "password"} {
		values := badTexts(32)
		if field == "password" { // what it is made of is nobody's business, as long as it can be typed
			values = without(values, "blank", "ideographic space", "zero width")
			values["tab"] = "a\tb"
		}
		for what, v := range values { // a name of its own for each: guessing at one is slowed down
			good := harness.Params("username", d.NewName(), "password", "secret")
			all = append(all, vary(post, path, good, field, map[string]string{what: v}, want)...)
		}
	}
	return append(all, bad{"nothing", harness.Request{Method: post, Path: path}, want})
}

// testRefusedNames: a name whose registration was refused is free, and nobody can log in with it.
func testRefusedNames(t *testing.T, d *harness.Deployment) {
	name := d.NewName()
	for what, q := range map[string]url.Values{
		"no password":       harness.Params("username", name),
		"long password":     harness.Params("username", name, "password", strings.Repeat("x", 33)),
		"password with NUL": harness.Params("username", name, "password", "a\x00b"),
		"space before":      harness.Params("username", " "+name, "password", "secret"),
		"hidden character":  harness.Params("username", name+"\u200b", "password", "secret"),
		"control character": harness.Params("username", name+"\n", "password", "secret"),
	} {
		requireText(t, d.Call(t, post, harness.PathRegister, q, nil).Fails(t, errno.InvalidArgument))
		if a := d.Call(t, post, harness.PathLogin, q, nil); a.Code == 0 {
			t.Errorf("%s: logged in with what was refused", what)
		}
	}
	d.Call(t, post, harness.PathRegister, harness.Params("username", name, "password", "secret"), nil).OK(t)
}

// testBrokenBodies: requests that are not even well-formed.
func testBrokenBodies(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	before, files := w.state(t), stored(t, d)
	token := harness.Params("token", w.ann.Token)
	send := func(name string, r harness.Request) {
		t.Run(name, func(t *testing.T) {
			a := d.Do(t, r).Fails(t)
			requireText(t, a)
			if a.Code == errno.Internal.Code {
				t.Errorf("a fault of ours: %s", a.Raw)
			}
		})
	}
	const form, multipart = "application/x-www-form-urlencoded", "multipart/form-data; boundary=xyz"
	part := func(name, value string) string {
		return "--xyz\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for _, path := range []string{harness.PathFavorite, harness.PathPublish, harness.PathMessage, harness.PathRegister} {
		for name, c := range map[string]struct{ kind, body string }{
			"no boundary":                 {"multipart/form-data", part("video_id", "1")},
			"another boundary":            {"multipart/form-data; boundary=abc", part("video_id", "1") + "--xyz--\r\n"},
			"ends in a part":              {multipart, part("video_id", "1")[:40]},
			"never ends":                  {multipart, part("video_id", "1")},
			"a part without name":         {multipart, "--xyz\r\n\r\nx\r\n--xyz--\r\n"},
			"a part with a broken head":   {multipart, "--xyz\r\nContent-Disposition: form-data; name=\"video_id\r\n\r\n1\r\n--xyz--\r\n"},
			"a part with a huge head":     {multipart, "--xyz\r\nX: " + strings.Repeat("y", 200_000) + "\r\n\r\n1\r\n--xyz--\r\n"},
			"1000 parts":                  {multipart, strings.Repeat(part("x", "1"), 1000) + "--xyz--\r\n"},
			"empty multipart":             {multipart, ""},
			"10,000 fields":               {form, strings.Repeat("x=1&", 10_000)},
			"only separators":             {form, strings.Repeat("&", 1000)},
			"broken escapes":              {form, "video_id=%zz&action_type=%"},
			"semicolons":                  {form, "video_id=1;action_type=1"},
			"a body of 3 MB":              {form, "video_id=" + strings.Repeat("1", 3<<20)},
			"a value of 900 kB":           {form, "video_id=" + strings.Repeat("1", 900<<10)},
			"JSON":                        {"application/json", `{"video_id":1,"action_type":1,"to_user_id":1,"username":"x"}`},
			"JSON that claims to be form": {form, `{"video_id":1}`},
			"a type that is none":         {"////;;;", "x=1"},
			"noise":                       {form, "\x00\x01\xfe\xff\r\n\r\nHTTP/1.1 200 OK"},
			"a picture":                   {"image/png", "\x89PNG\r\n"},
			"compressed":                  {"application/gzip", "\x1f\x8b\x08\x00"},
		} {
			send(path+" "+name, harness.Request{Method: post, Path: path, Query: token, ContentType: c.kind, Body: []byte(c.body)})
		}
		for name, raw := range map[string]string{
			"broken escapes":   "video_id=%zz&to_user_id=%&username=%e4%b8",
			"NUL":              "video_id=%00&to_user_id=%00&username=%00",
			"10,000 fields":    strings.Repeat("x=1&", 10_000),
			"no names":         "=1&=2&==&&",
			"one of 100 kB":    "video_id=" + strings.Repeat("1", 100_000),
			"names like lists": "video_id[]=1&video_id[0]=1&to_user_id.x=1",
		} {
			send(path+" query: "+name, harness.Request{Method: post, Path: path, Query: token, RawQuery: raw})
		}
	}
	t.Run("a body that does not matter", func(t *testing.T) { // the parameters are in the query
		d.Do(t, harness.Request{Method: get, Path: harness.PathUser, Query: token, ContentType: "application/json", Body: []byte("{")}).OK(t)
	})
	t.Run("headers", func(t *testing.T) {
		for name, values := range map[string][]string{
			"Authorization":     {"Bearer", "Bearer ", "Basic YTpi", strings.Repeat("x", 8000)},
			"Host":              {"", "evil.example/path?x=", "a b", strings.Repeat("h", 300), "<script>"},
			"X-Forwarded-For":   {"127.0.0.1", "not an address", strings.Repeat("1.2.3.4,", 500)},
			"X-Forwarded-Proto": {"https", "javascript"},
			"X-Request-Id":      {"a b", strings.Repeat("x", 5000), "<script>", `"`},
			"Accept-Encoding":   {"gzip", "br, gzip;q=0", "*", ";;;,,"},
			"Range":             {"bytes=0-1"},
			"If-None-Match":     {"*"},
			"Cookie":            {"token=" + w.ann.Token},
		} {
			for _, v := range values {
				a := d.Raw(t, harness.Request{Method: get, Path: harness.PathFeed, Header: http.Header{name: {v}}})
				if name == "Host" && a.Status == 400 {
					continue // the library that serves HTTP may refuse it before there is a path
				}
				if a.Status != 200 || len(a.Raw) == 0 {
					t.Errorf("%s: %.40q: HTTP %d", name, v, a.Status)
				}
				if bytes.Contains(a.Raw, []byte("script>")) || bytes.Contains(a.Raw, []byte("javascript:")) ||
					strings.Contains(a.Header.Get("X-Request-Id"), "<") {
					t.Errorf("%s: %.40q comes back: %.300s", name, v, a.Raw)
				}
			}
		}
	})
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
	if now := stored(t, d); !slices.Equal(now, files) {
		t.Errorf("files are left behind: %v", now)
	}
}
