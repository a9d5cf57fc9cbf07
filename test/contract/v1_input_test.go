package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// valid is a request of an operation that would be answered, with the things of a world.
func (o operation) valid(w *world) harness.Request {
	r := harness.Request{Method: o.method, Path: o.path, Header: http.Header{"Authorization": {"Bearer " + w.ann.Token}}}
	for name, value := range map[string]string{
		"user_id": fmt.Sprint(w.bob.ID), "name": w.bob.Name, "video_id": fmt.Sprint(w.video.ID), "comment_id": fmt.Sprint(w.comment.ID),
		"session_id": "1", "message_id": "1", "subscription_id": "1", "tag": "sea",
	} {
		r.Path = strings.ReplaceAll(r.Path, "{"+name+"}", value)
	}
	for _, p := range o.op.Parameters {
		if p.Value.In == "query" && p.Value.Required {
			r.Query = url.Values{p.Value.Name: {"sea"}}
		}
	}
	switch media := o.media(); {
	case len(media) == 0:
	case media[0] == jsonType:
		r.ContentType = jsonType
		r.Body, _ = json.Marshal(o.fields())
	}
	return r
}

// fields is a valid JSON body, of the examples. It names no other thing.
func (o operation) fields() map[string]any {
	all := map[string]any{}
	for name, p := range o.op.RequestBody.Value.Content.Get(jsonType).Schema.Value.Properties {
		if strings.HasSuffix(name, "_id") {
			continue
		}
		all[name] = p.Value.Examples[0]
	}
	return all
}

// refusal is a request that has to be refused with one of these statuses.
type refusal struct {
	name string
	r    harness.Request
	want []int
}

// testV1BadInput varies a valid request of each operation. Every variant is refused with a problem, and nothing changes.
func testV1BadInput(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	visitor := doc.user(d, d.Visitor())
	before, files := w.state(t), stored(t, d)
	for _, o := range doc.operations() {
		t.Run(o.op.OperationID, func(t *testing.T) {
			valid := o.valid(w)
			cases := slices.Concat(o.badPaths(valid), o.badQueries(valid), o.badBodies(valid))
			for _, c := range cases {
				if a := visitor.send(t, c.r); !slices.Contains(c.want, a.Status) {
					t.Errorf("%s: %d, want %v: %.300s", c.name, a.Status, c.want, a.Raw)
				}
			}
		})
	}
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
	if now := stored(t, d); !slices.Equal(now, files) {
		t.Errorf("files are left behind: %v", now)
	}
}

// badPaths have no id, or no tag, where one belongs.
func (o operation) badPaths(valid harness.Request) (all []refusal) {
	for _, p := range o.op.Parameters {
		bad := []string{"%00", "%FF", "a%00b", strings.Repeat("x", 51), strings.Repeat("%E6%B5%B7", 51)}
		switch {
		case p.Value.In != "path":
			continue
		case p.Value.Schema.Value.Type.Is("integer"):
			bad = []string{
				"0", "-1", "abc", "1.5", "1e3", "0x10", "01", "%2B1", "9007199254740992", "9223372036854775808", strings.Repeat("9", 400),
				"1%20OR%201=1", "%27", "%00", "%FF", "1%0A", "%D9%A1", "null", "1,2",
			}
		case p.Value.Name != "tag":
			continue
		}
		for _, value := range bad {
			r := valid
			r.Path = strings.ReplaceAll(o.path, "{"+p.Value.Name+"}", value)
			for name, value := range pathValues(o.path, valid.Path) {
				r.Path = strings.ReplaceAll(r.Path, "{"+name+"}", value)
			}
			all = append(all, refusal{p.Value.Name + " " + value, r, []int{400, 404}})
		}
	}
	return all
}

// pathValues are what stands for the parameters of a pattern.
func pathValues(pattern, path string) map[string]string {
	values := map[string]string{}
	got := strings.Split(path, "/")
	for i, w := range strings.Split(pattern, "/") {
		if strings.HasPrefix(w, "{") {
			values[strings.Trim(w, "{}")] = got[i]
		}
	}
	return values
}

func (o operation) badQueries(valid harness.Request) (all []refusal) {
	values := map[string][]string{
		"limit": {"0", "-1", "101", "abc", "1.5", "1e1", "99999999999999999999", "\x00", "\xff", "1 ", "١"},
		"cursor": {
			"x", "-1", "' OR 1=1 --", "../../etc/passwd", "\x00", "\xff", "{}", strings.Repeat("A", 5000), "99999999999999999999999", "0",
			"ŧ",
		},
		"direction": {"sideways", "OLDER", "\x00", "older,newer"},
		"sort":      {"oldest", "TOP", "\x00", "newest,top"},
		"days":      {"0", "-1", "367", "abc", "1.5", "99999999999999999999", "\x00"},
		"q":         {"", " ", "\t\n", "\u200b", "\x00", "\xff", strings.Repeat("x", 101), strings.Repeat("海", 101), "\x1b[31m"},
	}
	for _, p := range o.op.Parameters {
		if p.Value.In != "query" {
			continue
		}
		bad, ok := values[p.Value.Name]
		if !ok {
			all = append(all, refusal{"the test has no values for " + p.Value.Name, valid, nil})
		}
		for _, v := range bad {
			r := with(valid, p.Value.Name, v)
			all = append(all, refusal{fmt.Sprintf("%s %.20q", p.Value.Name, v), r, []int{400, 404}})
		}
		all = append(all, refusal{p.Value.Name + " twice", with(valid, p.Value.Name, "1", "2"), []int{400, 404}})
	}
	return all
}

// with is a request with these values of a parameter of its address.
func with(r harness.Request, name string, values ...string) harness.Request {
	r.Query = maps.Clone(r.Query)
	if r.Query == nil {
		r.Query = url.Values{}
	}
	r.Query[name] = values
	return r
}

func (o operation) badBodies(valid harness.Request) (all []refusal) {
	media := o.media()
	if len(media) == 0 {
		return nil
	}
	add := func(name, kind string, body []byte, want ...int) {
		r := valid
		r.ContentType, r.Body = kind, body
		all = append(all, refusal{name, r, want})
	}
	for _, kind := range []string{
		"text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "text/html", "application/jsonx", "x",
	} {
		add(kind, kind, []byte(`{"content":"x"}`), http.StatusUnsupportedMediaType)
	}
	add("no content type", "", []byte(`{}`), http.StatusUnsupportedMediaType)
	if media[0] != jsonType {
		add("an empty body", media[0], []byte{}, 400, 415, 422)
		add("no "+media[0], media[0], []byte("hello"), 400, 415, 422)
		return all
	}
	schema := o.op.RequestBody.Value.Content.Get(jsonType).Schema.Value
	for _, text := range []string{
		"", " ", "null", "[]", `"x"`, "1", "{", "{}}", `{"a"}`, `{'a':1}`, "\xff\xfe", "\x00", `{"content":"\ud800"}`,
		strings.Repeat("[", 20_000), strings.Repeat(`{"a":`, 20_000), `<?xml version="1.0"?>`,
	} {
		add(fmt.Sprintf("%.20q", text), jsonType, []byte(text), 400)
	}
	add("huge", jsonType, append(append([]byte(`{"x":"`), bytes.Repeat([]byte("x"), 8<<20)...), `"}`...), http.StatusRequestEntityTooLarge)
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name].Value
		for _, v := range badValues(p) {
			fields := o.fields()
			fields[name] = v
			b, err := json.Marshal(fields)
			if err != nil {
				continue
			}
			want := []int{http.StatusBadRequest}
			if o.op.Responses.Status(http.StatusUnauthorized) != nil && p.Format == "password" || o.op.OperationID == "login" {
				want = append(want, http.StatusUnauthorized) // no account has that name or password
			}
			add(fmt.Sprintf("%s: %.40q", name, b), jsonType, b, want...)
		}
		if slices.Contains(schema.Required, name) {
			fields := o.fields()
			delete(fields, name)
			b, _ := json.Marshal(fields)
			add("no "+name, jsonType, b, 400)
		}
	}
	return all
}

// badValues are those that no property with that schema has.
func badValues(p *openapi3.Schema) []any {
	all := []any{[]int{1}, map[string]int{"a": 1}, 1.5}
	switch {
	case p.Type.Is("integer"):
		return append(all, "x", -1, 0, 1<<53)
	case p.Type.Is("array"):
		return append(all, "x", 2, []string{"x"})
	case !p.Type.Is("string"):
		return append(all, "x", 2)
	}
	all = append(all, true, 7, "a\x00b", "\x1b[31m")
	if p.MaxLength != nil {
		all = append(all, strings.Repeat("x", int(*p.MaxLength)+1), strings.Repeat("长", int(*p.MaxLength)+1))
	}
	if p.MinLength > 0 {
		all = append(all, "")
	}
	if p.Format == "date-time" {
		all = append(all, "", "yesterday", "2026-13-01T00:00:00Z", "1767225600123")
	}
	return all
}

// testV1Credentials: without a session a member's operation is 401, and a token that is not valid is refused everywhere, also for visitors.
func testV1Credentials(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	visitor := doc.user(d, d.Visitor())
	before := w.state(t)
	for _, o := range doc.operations() {
		t.Run(o.op.OperationID, func(t *testing.T) {
			if len(*o.op.Security) == 0 {
				return
			}
			for name, header := range map[string]http.Header{
				"nothing":          {},
				"a token in query": {},
				"no token":         {"Authorization": {"Bearer x"}},
				"another scheme":   {"Authorization": {"Basic YTpi"}},
				"a foreign token":  {"Authorization": {"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.signature"}},
				"algorithm none":   {"Authorization": {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."}},
				"a bad cookie":     {"Cookie": {"session=x"}},
			} {
				r := o.valid(w)
				r.Header = header
				if name == "a token in query" {
					r.Query = url.Values{"token": {w.ann.Token}}
				}
				none := name == "nothing" || name == "a token in query" || name == "another scheme"
				a := visitor.send(t, r)
				if refused := a.Status == http.StatusUnauthorized; refused != (o.member() || !none) && (o.member() || !none) {
					t.Errorf("%s: %d %.200s", name, a.Status, a.Raw)
				}
			}
		})
	}
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
}

// testV1OtherSites: with the cookie of a web session, what changes something has to come from a page of this site.
func testV1OtherSites(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	visitor := doc.user(d, d.Visitor())
	before := w.state(t)
	for _, o := range doc.operations() {
		if o.method == get || !o.member() {
			continue
		}
		t.Run(o.op.OperationID, func(t *testing.T) {
			for name, header := range map[string]http.Header{
				"no origin":         {},
				"another site":      {"Origin": {"https://evil.example"}},
				"null":              {"Origin": {"null"}},
				"another port":      {"Origin": {d.URL() + "1"}},
				"cross-site":        {"Sec-Fetch-Site": {"cross-site"}},
				"same-site only":    {"Sec-Fetch-Site": {"same-site"}},
				"another, as a sub": {"Origin": {strings.Replace(d.URL(), "://", "://x.", 1)}},
			} {
				r := o.valid(w)
				r.Header = header
				r.Header.Set("Cookie", "session="+w.ann.Token)
				if a := visitor.send(t, r); a.Status != http.StatusForbidden {
					t.Errorf("%s: %d %.200s", name, a.Status, a.Raw)
				}
			}
		})
	}
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
	for _, header := range []http.Header{{"Origin": {d.URL()}}, {"Sec-Fetch-Site": {"same-origin"}}} {
		header.Set("Cookie", "session="+w.eve.Token)
		r := harness.Request{Method: put, Path: at("%s/videos/%d/like", v1Path, w.video.ID), Header: header}
		if a := visitor.send(t, r); a.Status != http.StatusNoContent {
			t.Errorf("from a page of this site: %d %s", a.Status, a.Raw)
		}
	}
}

// testV1OtherRoutes: another method is 405 with what is allowed, an unknown path 404.
func testV1OtherRoutes(t *testing.T, d *harness.Deployment, doc *v1Document) {
	w := newWorld(t, d)
	ann := doc.user(d, w.ann)
	before := w.state(t)
	byPath := map[string][]string{}
	valid := map[string]harness.Request{}
	for _, o := range doc.operations() {
		byPath[o.path] = append(byPath[o.path], o.method)
		valid[o.path] = o.valid(w)
	}
	for path, allowed := range byPath {
		for _, method := range []string{get, post, put, patch, del, "TRACE", "PROPFIND"} {
			if slices.Contains(allowed, method) {
				continue
			}
			a := ann.send(t, harness.Request{Method: method, Path: valid[path].Path})
			got := strings.Split(a.Header.Get("Allow"), ", ")
			if slices.Sort(got); a.Status != http.StatusMethodNotAllowed || !slices.Equal(got, slices.Sorted(slices.Values(allowed))) {
				t.Errorf("%s %s: %d, Allow %v, want %v", method, path, a.Status, got, allowed)
			}
		}
	}
	for _, path := range []string{
		"/", "/nothing", "/feed/", "/users", "/videos/1/nothing", "/me/nothing", "/users/1/videos/2", "/feed/../me",
	} {
		r := harness.Request{Method: get, Path: v1Path + path}
		a := d.Raw(t, r)
		if a.Status != http.StatusNotFound && a.Status != http.StatusMethodNotAllowed && a.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %.100s", path, a.Status, a.Raw)
			continue
		}
		doc.problem(t, path, a, nil, errno.NotFound, errno.MethodNotAllowed, errno.Unauthenticated)
	}
	if after := w.state(t); after != before {
		t.Errorf("something was changed:\n%s", diff(before, after))
	}
}
