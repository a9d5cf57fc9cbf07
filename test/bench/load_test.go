package main

import (
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// listen answers every request with handle on loopback and returns the address.
func listen(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: handle, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

func ask(host string) scenario {
	return scenario{name: "ask", build: func(*dataset, string) request {
		return func(dst []byte, _ uint64) []byte { return append(dst, "GET /"+target(host, "")...) }
	}}
}

func load(t *testing.T, addr string, p plan) (tally, []int64) {
	t.Helper()
	g := &generator{addr: addr, next: map[string]uint64{}}
	var window []int64
	got, err := g.run(t.Context(), p, ask(addr), &dataset{}, func(int64) {}, func(n int64) { window = append(window, n) })
	if err != nil {
		t.Fatal(err)
	}
	return got, window
}

const accepts = `{"status_code":0,"status_msg":"success"}`

// A server that hangs for a while makes all requests late that were due meanwhile, not only the one that met it.
func TestOpenLoopCountsWhatHadToWait(t *testing.T) {
	const rate, hang = 200, 500 * time.Millisecond
	var once sync.Once
	begin := time.Now()
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(begin) > 300*time.Millisecond {
			once.Do(func() { <-time.After(hang) })
		}
		_, _ = w.Write([]byte(accepts))
	})
	got, _ := load(t, addr, plan{Conns: 1, Rate: rate, Duration: 2 * time.Second})
	due := int64(2 * rate)
	if all := got.accepted + got.unsent; all != due {
		t.Errorf("%d requests answered or unsent, %d were due", all, due)
	}
	// While the server hangs, 100 requests become due; a quarter of all waits on average for half of that time.
	if p90 := time.Duration(got.hist.ValueAtQuantile(90)) * time.Microsecond; p90 < hang/4 {
		t.Errorf("p90 %v: the requests that waited behind the slow one are missing", p90)
	}
}

// A server that never keeps up: what could not be sent in time is part of the latencies.
func TestOpenLoopCountsTheUnsent(t *testing.T) {
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		<-time.After(100 * time.Millisecond)
		_, _ = w.Write([]byte(accepts))
	})
	got, _ := load(t, addr, plan{Conns: 1, Rate: 100, Duration: time.Second})
	if got.accepted+got.unsent != 100 || got.unsent < 80 || got.hist.TotalCount() != 100 {
		t.Errorf("accepted %d, unsent %d, recorded %d; 100 were due and about 10 can be answered", got.accepted, got.unsent, got.hist.TotalCount())
	}
	if max := time.Duration(got.hist.Max()) * time.Microsecond; max < 700*time.Millisecond {
		t.Errorf("the slowest took %v, but some waited for almost a second", max)
	}
}

// Warm-up counts for nothing, and answers are told apart.
func TestClosedLoop(t *testing.T) {
	begin := time.Now()
	var mu sync.Mutex
	n := 0
	addr := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		n++
		turn := n % 4
		mu.Unlock()
		switch {
		case time.Since(begin) < 250*time.Millisecond:
			<-time.After(20 * time.Millisecond)
			_, _ = w.Write([]byte(accepts))
		case turn == 0:
			_, _ = w.Write([]byte(`{"status_code":10008,"status_msg":"busy"}`))
		case turn == 1:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			_, _ = w.Write([]byte(accepts))
		}
	})
	got, window := load(t, addr, plan{Conns: 4, Warmup: 400 * time.Millisecond, Duration: 400 * time.Millisecond})
	if got.accepted == 0 || got.refused == 0 || got.failed == 0 || got.hist.TotalCount() != got.accepted {
		t.Errorf("accepted %d, refused %d, failed %d, recorded %d", got.accepted, got.refused, got.failed, got.hist.TotalCount())
	}
	if ratio := float64(got.refused) / float64(got.failed); ratio < 0.5 || ratio > 2 {
		t.Errorf("refused %d, failed %d; the server sends as many of each", got.refused, got.failed)
	}
	if len(window) != 2 || window[0] == 0 || window[1] <= window[0] {
		t.Errorf("accepted at the begin and end of the measured time: %v", window)
	}
}

func TestMixNumbersWithoutGaps(t *testing.T) {
	seen := map[byte][]uint64{}
	kind := func(c byte) scenario {
		return scenario{build: func(*dataset, string) request {
			return func(dst []byte, n uint64) []byte {
				seen[c] = append(seen[c], n)
				return dst
			}
		}}
	}
	m := mix("", "", 1, part{kind('a'), 2}, part{kind('b'), 1}).build(nil, "")
	for n := range uint64(9) {
		m(nil, n)
	}
	for c, want := range map[byte]int{'a': 6, 'b': 3} {
		if len(seen[c]) != want {
			t.Errorf("%c came %d times, want %d", c, len(seen[c]), want)
		}
		slices.Sort(seen[c])
		for i, n := range seen[c] {
			if n != uint64(i) {
				t.Errorf("%c was numbered %v", c, seen[c])
				break
			}
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	for addr, want := range map[string]string{
		":10001": "127.0.0.1:10001", "0.0.0.0:1": "127.0.0.1:1", "localhost:2": "127.0.0.1:2", "[::1]:3": "[::1]:3",
		"10.0.0.1:80": "", "example.com:80": "", "nonsense": "",
	} {
		if got, err := loopback(addr); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q %v, want %q", addr, got, err, want)
		}
	}
}
