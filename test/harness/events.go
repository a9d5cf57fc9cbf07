package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// PathEvents is the stream of hints.
const PathEvents = "/api/v1/events"

// Hint is the data of an event of the stream.
type Hint struct {
	Kind    string `json:"kind"`
	UserID  int64  `json:"user_id"`
	VideoID int64  `json:"video_id"`
	State   string `json:"state"`
}

// Events is an open stream of hints. Its methods may be used from any goroutine.
type Events struct {
	// Header is that of the answer.
	Header http.Header
	// Retry is after how many milliseconds the client shall come back, as it was sent.
	Retry string

	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	raw   []json.RawMessage // guarded by mu; the data of all events so far
	news  chan struct{}     // guarded by mu; closed with the next event
	wrong []string          // guarded by mu; what is no event of the stream
}

// Events opens the user's stream of hints and waits until it works. It ends with the test.
func (u *User) Events(t testing.TB) *Events {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.d.URL()+PathEvents, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.Token)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	e := &Events{Header: resp.Header, cancel: cancel, ended: make(chan struct{}), news: make(chan struct{})}
	t.Cleanup(func() {
		e.Close()
		<-e.ended
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, w := range e.wrong {
			t.Errorf("in a stream of events: %q", w)
		}
	})
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body) // for the failure
		close(e.ended)
		t.Fatalf("GET %s: %d %s", PathEvents, resp.StatusCode, text)
	}
	lines := bufio.NewScanner(resp.Body)
	if lines.Scan() {
		e.Retry, _ = strings.CutPrefix(lines.Text(), "retry: ")
	}
	go func() {
		defer close(e.ended)
		defer func() { _ = resp.Body.Close() }()
		e.read(lines)
	}()
	return e
}

func (e *Events) read(lines *bufio.Scanner) {
	isHint := false
	for lines.Scan() {
		line := lines.Text()
		data, isData := strings.CutPrefix(line, "data: ")
		e.mu.Lock()
		switch {
		case line == "" || strings.HasPrefix(line, ":"):
		case line == "event: hint":
			isHint = true
		case isHint && isData && json.Valid([]byte(data)):
			isHint = false
			e.raw = append(e.raw, json.RawMessage(data))
			close(e.news)
			e.news = make(chan struct{})
		default:
			e.wrong = append(e.wrong, line)
		}
		e.mu.Unlock()
	}
}

// Close ends the stream from this side.
func (e *Events) Close() { e.cancel() }

// Ended is closed when the stream has ended.
func (e *Events) Ended() <-chan struct{} { return e.ended }

// Hints are the data of all events so far.
func (e *Events) Hints() []json.RawMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]json.RawMessage(nil), e.raw...)
}

// Want waits until a hint is there, since the stream was opened.
func (e *Events) Want(t testing.TB, within time.Duration, want Hint) {
	t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	for seen := 0; ; {
		e.mu.Lock()
		all, news := e.raw, e.news
		e.mu.Unlock()
		for ; seen < len(all); seen++ {
			var h Hint
			if err := json.Unmarshal(all[seen], &h); err == nil && h == want {
				return
			}
		}
		select {
		case <-news:
		case <-e.ended:
			t.Fatalf("the stream has ended without %+v: %s", want, fmt.Sprintf("%s", all))
		case <-late.C:
			t.Fatalf("%+v has not come: %s", want, fmt.Sprintf("%s", all))
		}
	}
}
