package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	v1 "tiktok/cmd/api/biz/model/v1"
	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

const (
	v1Path      = "/api/v1"
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

// v1Document is the part of the OpenAPI document that describes /api/v1, and which of its operations were seen to succeed and to fail.
type v1Document struct {
	*openapi3.T
	mu                sync.Mutex
	succeeded, failed map[string]bool
}

func loadV1(t *testing.T) *v1Document {
	t.Helper()
	doc := readOpenAPI(t)
	for path := range doc.Paths.Map() {
		if !strings.HasPrefix(path, v1Path+"/") {
			doc.Paths.Delete(path)
		}
	}
	for _, schema := range doc.Components.Schemas {
		shut(t, schema.Value)
	}
	return &v1Document{T: doc, succeeded: map[string]bool{}, failed: map[string]bool{}}
}

// find is the operation that a request is for: of several patterns that with the most literal parts.
func (d *v1Document) find(method, path string) *openapi3.Operation {
	var best *openapi3.PathItem
	literal := -1
	for pattern, item := range d.Paths.Map() {
		if n, ok := fits(pattern, path); ok && n > literal {
			best, literal = item, n
		}
	}
	if best == nil {
		return nil
	}
	return best.GetOperation(method)
}

// fits reports whether a path is one of the pattern, and how many of its parts are literal.
func fits(pattern, path string) (literal int, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return 0, false
	}
	for i, w := range want {
		switch {
		case w == got[i]:
			literal++
		case !strings.HasPrefix(w, "{") || got[i] == "":
			return 0, false
		}
	}
	return literal, true
}

// check compares one exchange with the document. A request that is for no operation has to be answered with a 404 or 405.
func (d *v1Document) check(t testing.TB, r harness.Request, a harness.Answer) {
	t.Helper()
	name := r.Method + " " + r.Path
	if a.Header.Get("X-Request-Id") == "" || a.Header.Get("Cache-Control") != "no-store" ||
		a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: headers %v", name, a.Header)
	}
	op := d.find(r.Method, r.Path)
	if op == nil {
		d.problem(t, name, a, nil, errno.NotFound, errno.MethodNotAllowed)
		return
	}
	d.mu.Lock()
	seen := d.succeeded
	if a.Status >= 400 {
		seen = d.failed
	}
	seen[op.OperationID] = true
	d.mu.Unlock()
	response := op.Responses.Status(a.Status)
	if response == nil {
		t.Errorf("%s: status %d is not in the document: %.300s", name, a.Status, a.Raw)
		return
	}
	for header, h := range response.Value.Headers {
		if h.Value.Required && a.Header.Get(header) == "" {
			t.Errorf("%s: %d without %s", name, a.Status, header)
		}
	}
	if a.Status >= 400 {
		d.problem(t, name, a, response.Value)
		return
	}
	if len(response.Value.Content) == 0 {
		if len(a.Raw) > 0 {
			t.Errorf("%s: %d with a body: %.300s", name, a.Status, a.Raw)
		}
		return
	}
	d.body(t, name, a, jsonType, response.Value.Content.Get(jsonType).Schema.Value)
}

func (d *v1Document) body(t testing.TB, name string, a harness.Answer, kind string, schema *openapi3.Schema) {
	t.Helper()
	if got, _, err := mime.ParseMediaType(a.Header.Get("Content-Type")); err != nil || got != kind {
		t.Errorf("%s: content type %q, want %s", name, a.Header.Get("Content-Type"), kind)
	}
	var body any
	if err := json.Unmarshal(a.Raw, &body); err != nil {
		t.Errorf("%s: %v in %.300s", name, err, a.Raw)
		return
	}
	if err := schema.VisitJSON(body, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s is not what the document says: %v\n%.600s", name, err, a.Raw)
	}
}

// problem checks an error: its form, that its parts agree, that its texts are for people, and its code: one of those of the response in
// the document, or of want.
func (d *v1Document) problem(t testing.TB, name string, a harness.Answer, response *openapi3.Response, want ...*errno.Error) {
	t.Helper()
	d.body(t, name, a, problemType, d.Components.Schemas["Problem"].Value)
	var p v1.Problem
	if err := json.Unmarshal(a.Raw, &p); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if p.Type != fmt.Sprintf("urn:tiktok:error:%d", p.Code) || int(p.Status) != a.Status || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("%s: %d %s", name, a.Status, a.Raw)
	}
	all := errno.All()
	known := slices.IndexFunc(all, func(e *errno.Error) bool { return e.Code == p.Code })
	if known < 0 || all[known].Status() != a.Status || all[known].Msg != p.Title {
		t.Errorf("%s: %d %s", name, a.Status, a.Raw)
	}
	texts := []string{p.Title}
	if p.Detail != nil {
		texts = append(texts, *p.Detail)
	}
	for _, text := range texts {
		requireText(t, harness.Answer{Msg: text})
	}
	documented := slices.ContainsFunc(want, func(e *errno.Error) bool { return e.Code == p.Code })
	if response != nil {
		_, documented = response.Content.Get(problemType).Examples[fmt.Sprint(p.Code)]
	}
	if !documented {
		t.Errorf("%s: code %d is not in the document", name, p.Code)
	}
}

// requireAllSeen fails the test when an operation was never seen to succeed, or never to fail.
func (d *v1Document) requireAllSeen(t *testing.T) {
	t.Helper()
	for _, o := range d.operations() {
		if !d.succeeded[o.op.OperationID] {
			t.Errorf("no test has seen a success of %s", o.op.OperationID)
		}
		if !d.failed[o.op.OperationID] {
			t.Errorf("no test has seen a failure of %s", o.op.OperationID)
		}
	}
}

// operation is an operation and where it is.
type operation struct {
	method, path string
	op           *openapi3.Operation
}

// operations are all, in the order of their paths.
func (d *v1Document) operations() (all []operation) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths.Map())) {
		for method, op := range d.Paths.Find(path).Operations() {
			all = append(all, operation{method, path, op})
		}
	}
	return all
}

// member reports whether only members may ask.
func (o operation) member() bool {
	visitor := func(r openapi3.SecurityRequirement) bool { return len(r) == 0 }
	return len(*o.op.Security) > 0 && !slices.ContainsFunc(*o.op.Security, visitor)
}

// media are the content types of the operation's body, none when it has no body.
func (o operation) media() []string {
	if o.op.RequestBody == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o.op.RequestBody.Value.Content))
}

// v1User asks /api/v1, as a member or, without a token, as a visitor.
type v1User struct {
	d     *harness.Deployment
	doc   *v1Document
	id    int64
	name  string
	token string
}

func (d *v1Document) user(dep *harness.Deployment, u *harness.User) *v1User {
	return &v1User{d: dep, doc: d, id: u.ID, name: u.Name, token: u.Token}
}

// send sends a request with the user's token, unless it has credentials already, and checks the answer against the document.
func (u *v1User) send(t testing.TB, r harness.Request) harness.Answer {
	t.Helper()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if u.token != "" && r.Header.Get("Authorization") == "" && r.Header.Get("Cookie") == "" {
		r.Header.Set("Authorization", "Bearer "+u.token)
	}
	a := u.d.Raw(t, r)
	u.doc.check(t, r, a)
	return a
}

// do sends a JSON body, or none for nil, and wants the status. It reads the answer into out, if that is not nil.
func (u *v1User) do(t testing.TB, method, path string, body any, status int, out any) harness.Answer {
	t.Helper()
	r := harness.Request{Method: method, Path: v1Path + path}
	if i := strings.IndexByte(r.Path, '?'); i >= 0 {
		r.Path, r.RawQuery = r.Path[:i], r.Path[i+1:]
	}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r.Body, r.ContentType = b, jsonType
	}
	a := u.send(t, r)
	if a.Status != status {
		t.Fatalf("%s %s: %d, want %d: %.300s", method, path, a.Status, status, a.Raw)
	}
	if out != nil {
		if err := json.Unmarshal(a.Raw, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return a
}

// fails wants one of the errors.
func (u *v1User) fails(t testing.TB, method, path string, body any, want ...*errno.Error) {
	t.Helper()
	var p v1.Problem
	u.do(t, method, path, body, want[0].Status(), &p)
	if !slices.ContainsFunc(want, func(e *errno.Error) bool { return e.Code == p.Code }) {
		t.Errorf("%s %s: %d %s, want %v", method, path, p.Code, p.Title, want)
	}
}

// decode reads an answer into out.
func decode(t testing.TB, a harness.Answer, out any) {
	t.Helper()
	if err := json.Unmarshal(a.Raw, out); err != nil {
		t.Fatalf("%v: %.300s", err, a.Raw)
	}
}
