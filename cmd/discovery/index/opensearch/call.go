package opensearch

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchtransport"

	"tiktok/cmd/discovery/index"
	"tiktok/pkg/lifecycle"
)

// request is one of the REST interface, for the client.
type request struct {
	method, path string
	query        url.Values
	// body is JSON, or, with lines, JSON with one value a line.
	body  []byte
	lines bool
}

// GetRequest makes it; the client adds the address and the context.
func (r request) GetRequest(method string) (*http.Request, error) {
	target := r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequest(method, target, body) //nolint:noctx // see above
	if err != nil {
		return nil, err
	}
	switch {
	case r.lines:
		req.Header.Set("Content-Type", "application/x-ndjson")
	case r.body != nil:
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// failure is a call that failed.
type failure struct {
	// kind is index.ErrNoIndex or index.ErrUnavailable, nil for what is neither.
	kind error
	// again says that the same call may succeed soon. away says that no node took a connection.
	again, away bool
	// status of the answer, 0 without one; code is what OpenSearch calls the error, missing the index that it did not find.
	status  int
	code    string
	missing string
	text    string
}

func (f *failure) Error() string {
	if f.kind == nil {
		return "opensearch: " + f.text
	}
	return f.kind.Error() + ": opensearch: " + f.text
}

func (f *failure) Unwrap() error { return f.kind }

// maxErrorText bounds what an error tells of an answer.
const maxErrorText = 300

func short(s string) string {
	if len(s) > maxErrorText {
		return s[:maxErrorText] + "…"
	}
	return s
}

// send asks once, the client other nodes too, and reads the answer into into, which may be nil.
func send[T any](ctx context.Context, client *opensearch.Client, r request, into *T) error {
	resp, err := opensearch.Do(ctx, client, r.method, r, into)
	if resp != nil && resp.IsError() {
		return refused(r, resp)
	}
	if err == nil {
		return nil
	}
	f := &failure{kind: index.ErrUnavailable, again: true, text: fmt.Sprintf("%s %s: %s", r.method, r.path, short(err.Error()))}
	if errors.Is(err, opensearch.ErrJSONUnmarshalBody) {
		f.again = false // the text of the answer is in the error
		f.text = fmt.Sprintf("%s %s: the answer is not as expected", r.method, r.path)
	}
	var op *net.OpError
	f.away = errors.Is(err, opensearchtransport.ErrNoConnections) || errors.As(err, &op) && op.Op == "dial"
	return f
}

// refused is an answer that is an error.
func refused(r request, resp *opensearch.Response) error {
	f := &failure{status: resp.StatusCode}
	var said struct {
		Error json.RawMessage `json:"error"`
	}
	var details struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Index  string `json:"index"`
	}
	if body, err := io.ReadAll(resp.Body); err == nil && json.Unmarshal(body, &said) == nil && len(said.Error) > 0 {
		if json.Unmarshal(said.Error, &details) == nil {
			f.code, f.missing = details.Type, details.Index
		}
	}
	f.text = fmt.Sprintf("%s %s: status %d %s", r.method, r.path, f.status, short(cmp.Or(details.Type+" "+details.Reason, " ")))
	switch {
	case f.code == "index_not_found_exception":
		f.kind = index.ErrNoIndex
	case f.status == http.StatusTooManyRequests || f.status >= http.StatusInternalServerError:
		f.kind, f.again = index.ErrUnavailable, true
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		f.kind = index.ErrUnavailable
	}
	return f
}

const (
	firstPause = 25 * time.Millisecond
	lastPause  = time.Second
)

// try repeats do while it fails with what may pass, at most for so long.
func try(ctx context.Context, atMost time.Duration, do func(ctx context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	began, pause := time.Now(), firstPause
	for {
		err := do(bounded)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err() // nobody waits; it says nothing about the cluster
		}
		var f *failure
		if !errors.As(err, &f) || !f.again || f.away && time.Since(began) >= unreachable || !lifecycle.Pause(bounded, pause) {
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

// read is for what changes nothing.
func read[T any](ctx context.Context, e *Engine, r request, into *T) error {
	return try(ctx, e.cfg.Timeout, func(ctx context.Context) error { return send(ctx, e.reader, r, into) })
}

// write is for what has the same effect when it is done twice.
func write[T any](ctx context.Context, e *Engine, r request, into *T) error {
	return try(ctx, writeTimeout, func(ctx context.Context) error { return send(ctx, e.writer, r, into) })
}

// nothing is for answers that are not read.
type nothing struct{}

// code says which error of OpenSearch it is, empty for others.
func code(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.code
	}
	return ""
}
