package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/errno"
)

// requestTimeout bounds one exchange; the race detector and a full machine included.
const requestTimeout = 60 * time.Second

func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute,
		},
		// The client of a phone does not follow a redirect of a POST: there must be none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Request is one request as it goes over the wire.
type Request struct {
	Method string
	// Path is sent as it is: "/douyin/feed/", "//douyin/feed".
	Path  string
	Query url.Values
	// RawQuery is appended to Query as it is, for what url.Values would not send.
	RawQuery    string
	Body        []byte
	ContentType string
	Header      http.Header
}

// Answer is an answer of the API.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	// Body is the decoded JSON, its numbers as json.Number.
	Body map[string]any
	Code int32
	Msg  string
}

// Params builds parameters from name, value pairs.
func Params(pairs ...any) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return v
}

// Form is a request with a urlencoded body.
func Form(method, path string, form url.Values) Request {
	return Request{Method: method, Path: path, Body: []byte(form.Encode()), ContentType: "application/x-www-form-urlencoded"}
}

// File is a part of a multipart body that is a file.
type File struct {
	Field, Name, ContentType string
	Data                     []byte
}

// Multipart is a request with a multipart body: the fields in alphabetical order, then the files.
func Multipart(t testing.TB, method, path string, fields url.Values, files ...File) Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	err := addParts(w, fields, files)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return Request{Method: method, Path: path, Body: body.Bytes(), ContentType: w.FormDataContentType()}
}

func addParts(w *multipart.Writer, fields url.Values, files []File) error {
	for _, name := range sortedKeys(fields) {
		for _, value := range fields[name] {
			if err := w.WriteField(name, value); err != nil {
				return err
			}
		}
	}
	for _, f := range files {
		kind := f.ContentType
		if kind == "" {
			kind = "application/octet-stream"
		}
		part, err := w.CreatePart(map[string][]string{
			"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, f.Field, f.Name)},
			"Content-Type":        {kind},
		})
		if err != nil {
			return err
		}
		if _, err := part.Write(f.Data); err != nil {
			return err
		}
	}
	return nil
}

// Call sends parameters in the query and, when form is not nil, in a urlencoded body.
func (d *Deployment) Call(t testing.TB, method, path string, query, form url.Values) Answer {
	t.Helper()
	r := Request{Method: method, Path: path}
	if form != nil {
		r = Form(method, path, form)
	}
	r.Query = query
	return d.Do(t, r)
}

// Do sends a request below /douyin and fails the test unless the answer is what every such answer is: HTTP 200 and a
// JSON object with status_code and a status_msg that is not empty.
func (d *Deployment) Do(t testing.TB, r Request) Answer {
	t.Helper()
	a, err := d.try(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	if d.observe != nil {
		d.observe(t, r, a)
	}
	return a
}

func (d *Deployment) try(ctx context.Context, r Request) (Answer, error) {
	return Exchange(ctx, d.http, d.URL(), r)
}

// Exchange sends a request below /douyin to the gateway at base, a URL without a slash at the end. An error means that there was no
// answer with an envelope.
func Exchange(ctx context.Context, client *http.Client, base string, r Request) (Answer, error) {
	a, err := Send(ctx, client, base, r)
	if err != nil {
		return a, err
	}
	if a.Status != http.StatusOK {
		return a, fmt.Errorf("HTTP status %d: %.200s", a.Status, a.Raw)
	}
	if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		return a, fmt.Errorf("content type %q", kind)
	}
	dec := json.NewDecoder(bytes.NewReader(a.Raw))
	dec.UseNumber()
	if err := dec.Decode(&a.Body); err != nil {
		return a, fmt.Errorf("not a JSON object: %w: %.200s", err, a.Raw)
	}
	var envelope struct {
		Code *int32  `json:"status_code"`
		Msg  *string `json:"status_msg"`
	}
	if err := json.Unmarshal(a.Raw, &envelope); err != nil {
		return a, fmt.Errorf("envelope: %w: %.200s", err, a.Raw)
	}
	if envelope.Code == nil || envelope.Msg == nil || *envelope.Msg == "" {
		return a, fmt.Errorf("no envelope: %.200s", a.Raw)
	}
	a.Code, a.Msg = *envelope.Code, *envelope.Msg
	return a, nil
}

// Raw sends any request and returns whatever comes back.
func (d *Deployment) Raw(t testing.TB, r Request) Answer {
	t.Helper()
	a, err := d.send(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return a
}

func (d *Deployment) send(ctx context.Context, r Request) (Answer, error) {
	return Send(ctx, d.http, d.URL(), r)
}

// Send sends any request to the gateway at base and returns whatever comes back.
func Send(ctx context.Context, client *http.Client, base string, r Request) (Answer, error) {
	target := base + r.Path
	query := r.Query.Encode()
	if r.RawQuery != "" {
		query = strings.TrimPrefix(query+"&"+r.RawQuery, "&")
	}
	if query != "" {
		target += "?" + query
	}
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return Answer{}, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if host := r.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	res, err := client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header, Raw: raw}, err
}

// OK fails the test unless the answer is a success.
func (a Answer) OK(t testing.TB) Answer {
	t.Helper()
	if a.Code != 0 {
		t.Fatalf("refused: %d %s", a.Code, a.Msg)
	}
	return a
}

// Fails fails the test unless the answer is one of these errors, with any text; without any it may be every known error.
func (a Answer) Fails(t testing.TB, want ...*errno.Error) Answer {
	t.Helper()
	if len(want) == 0 {
		want = errno.All()
	}
	for _, e := range want {
		if e.Code == a.Code {
			return a
		}
	}
	t.Fatalf("answered %d %s, want %v", a.Code, a.Msg, want)
	return a
}

// Decode reads the answer into v and fails the test when it has a key that v has not.
func (a Answer) Decode(t testing.TB, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(a.Raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%v: %.300s", err, a.Raw)
	}
}
