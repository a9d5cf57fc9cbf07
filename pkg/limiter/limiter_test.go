package limiter_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"tiktok/pkg/kv"
	"tiktok/pkg/limiter"
	"tiktok/pkg/limiter/limitertest"
)

func TestMemory(t *testing.T) {
	limitertest.Run(t, func(t *testing.T) limiter.Limiter { return open(t, "", kv.Config{}) })
}

func TestRedis(t *testing.T) {
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	limitertest.Run(t, func(t *testing.T) limiter.Limiter {
		return open(t, limiter.DriverRedis, kv.Config{Addrs: []string{addr}, Timeout: 5 * time.Second})
	})
}

func open(t *testing.T, driver string, cfg kv.Config) limiter.Limiter {
	t.Helper()
	l, err := limiter.Open(driver, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestOpenRefusesUnknownDriver(t *testing.T) {
	if _, err := limiter.Open("bouncer", kv.Config{}, nil); err == nil {
		t.Fatal("want an error")
	}
}

func TestMemoryChangedRuleDoesNotRefill(t *testing.T) {
	l := open(t, limiter.DriverMemory, kv.Config{})
	ok := 0
	for i := range 20 {
		res, err := l.Allow(t.Context(), "k", limiter.Rule{Rate: 0.001, Burst: 3 + i%2})
		if err != nil {
			t.Fatal(err)
		}
		if res.OK {
			ok++
		}
	}
	if ok != 3 {
		t.Errorf("%d let through, want 3", ok)
	}
}

func TestMemoryKeepsTheBusyKeys(t *testing.T) {
	l, err := limiter.NewMemory(1000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := limiter.Rule{Rate: 0.001, Burst: 10}
	ok := 0
	for i := range 20_000 {
		if _, err := l.Allow(t.Context(), fmt.Sprint("flood", i), r); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			res, err := l.Allow(t.Context(), "guesser", r)
			if err != nil {
				t.Fatal(err)
			}
			if res.OK {
				ok++
			}
		}
	}
	// A thousand guesses among a flood of addresses: the flood must not wash the guesser's count away again and again.
	if ok > 50 {
		t.Errorf("%d of 1000 guesses were let through, the burst is 10", ok)
	}
}

// A Redis that is stopped must not switch a limit off: this process counts by itself.
func TestRedisAwayCountsAlone(t *testing.T) {
	server := miniredis.RunT(t)
	var out bytes.Buffer
	l, err := limiter.NewRedis(kv.Config{Addrs: []string{server.Addr()}}, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r := limiter.Rule{Rate: 0.001, Burst: 10}
	guesses := func(n int) (ok int) {
		t.Helper()
		for range n {
			res, err := l.Allow(t.Context(), "k", r)
			if err != nil {
				t.Fatal(err)
			}
			if res.OK {
				ok++
			}
		}
		return ok
	}
	if got := guesses(40); got != 10 {
		t.Fatalf("%d of 40 guesses pass", got)
	}
	server.Close()
	began := time.Now()
	if got := guesses(40); got > 10 {
		t.Errorf("%d of 40 guesses pass while Redis is away", got)
	}
	if got := guesses(100); got > 0 {
		t.Errorf("%d of 100 more guesses pass", got)
	}
	l.Charge(t.Context(), "charged", r, 30)
	if res, err := l.Allow(t.Context(), "charged", r); err != nil || res.OK {
		t.Errorf("what was charged while Redis is away is not counted: %+v %v", res, err)
	}
	if err := l.Reset(t.Context(), "k"); err == nil {
		t.Error("reset says that it worked")
	}
	if got := guesses(40); got != 10 {
		t.Errorf("%d of 40 guesses pass after a reset, while Redis is away", got)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("200 requests took %v while Redis is away", took)
	}
	if lines := strings.Count(out.String(), "\n"); lines < 1 || lines > 5 {
		t.Errorf("%d log lines, want about one a second", lines)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	// Redis still counts the first guesses; a key that it knows nothing of is counted there as soon as it is back.
	deadline := time.Now().Add(10 * time.Second)
	for !server.Exists("limit:new") {
		if _, err := l.Allow(t.Context(), "new", r); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("Redis is back and nothing is counted there")
		}
	}
	if got := guesses(40); got > 0 {
		t.Errorf("%d of 40 guesses pass after Redis came back", got)
	}
}

func BenchmarkMemory(b *testing.B) {
	l, err := limiter.NewMemory(0)
	if err != nil {
		b.Fatal(err)
	}
	r := limiter.Rule{Rate: 1e9, Burst: 1 << 30}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Allow(b.Context(), "key", r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
