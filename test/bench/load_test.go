package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/test/dataset"
)

const accepts = `{"status_code":0,"status_msg":"success"}`

// measured is what a load on a server that answers with handle comes to, and what window was told.
func measured(t *testing.T, p plan, handle http.HandlerFunc) (tally, []int64) {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	ask := scenario{name: "ask", target: func(b []byte, _ *dataset.Set, _ uint64) []byte { return append(b, "GET /"...) }}
	g := &generator{addr: strings.TrimPrefix(srv.URL, "http://"), data: &dataset.Set{}, next: map[string]uint64{}}
	var window []int64
	got, err := g.run(t.Context(), p, ask, func(n int64) { window = append(window, n) })
	if err != nil {
		t.Fatal(err)
	}
	return got, window
}

// A server that hangs for a while makes all requests late that were due meanwhile, not only the one that met it.
func TestOpenLoopCountsWhatHadToWait(t *testing.T) {
	const rate, hang = 200, 500 * time.Millisecond
	var once sync.Once
	begin := time.Now()
	got, _ := measured(t, plan{conns: 1, rate: rate, duration: 2 * time.Second}, func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(begin) > 300*time.Millisecond {
			once.Do(func() { <-time.After(hang) })
		}
		_, _ = io.WriteString(w, accepts)
	})
	if all, due := got.count[accepted]+got.unsent, int64(2*rate); all != due {
		t.Errorf("%d requests answered or unsent, %d were due", all, due)
	}
	// While the server hangs, 100 requests become due; a quarter of all waits on average for half of that time.
	if got.ms(90) < hang.Seconds()*1000/4 {
		t.Errorf("p90 %v ms: the requests that waited behind the slow one are missing", got.ms(90))
	}
}

// A server that never keeps up: what could not be sent in time is part of the latencies.
func TestOpenLoopCountsTheUnsent(t *testing.T) {
	got, _ := measured(t, plan{conns: 1, rate: 100, duration: time.Second}, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(100 * time.Millisecond)
		_, _ = io.WriteString(w, accepts)
	})
	if n := got.count[accepted]; n+got.unsent != 100 || got.unsent < 80 || got.hist.TotalCount() != 100 {
		t.Errorf("accepted %d, unsent %d, recorded %d; 100 were due and about 10 can be answered", n, got.unsent, got.hist.TotalCount())
	}
	if slowest := time.Duration(got.hist.Max()) * time.Microsecond; slowest < 700*time.Millisecond {
		t.Errorf("the slowest took %v, but some waited for almost a second", slowest)
	}
}

// Warm-up counts for nothing, and answers are told apart.
func TestClosedLoop(t *testing.T) {
	begin := time.Now()
	var mu sync.Mutex
	n := 0
	p := plan{conns: 4, warmup: 400 * time.Millisecond, duration: 400 * time.Millisecond}
	got, window := measured(t, p, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		n++
		turn := n % 4
		mu.Unlock()
		switch {
		case time.Since(begin) < 250*time.Millisecond:
			<-time.After(20 * time.Millisecond)
			_, _ = io.WriteString(w, accepts)
		case turn == 0:
			_, _ = io.WriteString(w, `{"status_code":10008,"status_msg":"busy"}`)
		case turn == 1:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = io.WriteString(w, accepts)
		}
	})
	if got.count[accepted] == 0 || got.count[refused] == 0 || got.count[failed] == 0 || got.hist.TotalCount() != got.count[accepted] {
		t.Errorf("accepted, refused, failed: %v, recorded %d", got.count, got.hist.TotalCount())
	}
	if ratio := float64(got.count[refused]) / float64(got.count[failed]); ratio < 0.5 || ratio > 2 {
		t.Errorf("refused and failed: %v; the server sends as many of each", got.count)
	}
	if len(window) != 2 || window[0] == 0 || window[1] <= window[0] {
		t.Errorf("accepted at the begin and end of the measured time: %v", window)
	}
}

// Each kind of a mixture is numbered without gaps.
func TestMixture(t *testing.T) {
	seen := map[byte][]uint64{}
	kind := func(c byte) scenario {
		return scenario{target: func(b []byte, _ *dataset.Set, n uint64) []byte {
			seen[c] = append(seen[c], n)
			return b
		}}
	}
	m := scenario{parts: []part{{kind('a'), 2}, {kind('b'), 1}}}
	for n := range uint64(9) {
		m.request(nil, "", nil, n, "")
	}
	for c, want := range map[byte][]uint64{'a': {0, 1, 2, 3, 4, 5}, 'b': {0, 1, 2}} {
		if got := slices.Sorted(slices.Values(seen[c])); !slices.Equal(got, want) {
			t.Errorf("%c was numbered %v", c, got)
		}
	}
}

// An answer counts when it has as many entries as the list has, or more where others write meanwhile.
func TestJudge(t *testing.T) {
	d := &dataset.Set{Comments: []dataset.List{{ID: 1, N: 2}, {ID: 2, N: 1}}}
	s := scenario{of: func(d *dataset.Set) []dataset.List { return d.Comments }, mark: "x"}
	more := s
	more.atLeast = true
	for body, want := range map[string][2]verdict{
		`{"status_code":0,"l":"xx"`: {accepted, accepted}, `{"status_code":0,"l":"x"`: {failed, failed},
		`{"status_code":0,"l":"xxx"`: {failed, accepted},
		`{"status_code":10008,`:      {refused, refused}, `{"status_code":10009,"l":"xx"`: {failed, failed}, `xx`: {failed, failed},
	} {
		if got := [2]verdict{s.judge(d, 2, http.StatusOK, []byte(body)), more.judge(d, 2, http.StatusOK, []byte(body))}; got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
	if got := s.judge(d, 0, http.StatusBadGateway, []byte(`{"status_code":0,"l":"xx"`)); got != failed {
		t.Errorf("HTTP 502: %v", got)
	}
}

// A connection reads the pages of one list by their cursors before it goes on to the next list, also when there is no other page.
func TestScrolls(t *testing.T) {
	var at scroll
	var got []string
	for n, body := range []string{
		`{"next_cursor":"a"}`, `{"next_cursor":"b"}`, `{"next_cursor":"c"}`, // three pages are enough
		`{"next_cursor":""}`, // the end
		`{"next_cursor":"d"}`, `{}`,
	} {
		got = append(got, fmt.Sprint(at.goOn(uint64(n)), at.cursor))
		at.read([]byte(body), 3)
	}
	if want := []string{"0", "0a", "0b", "3", "4", "4d"}; !slices.Equal(got, want) {
		t.Errorf("requests and cursors %q, want %q", got, want)
	}
}
