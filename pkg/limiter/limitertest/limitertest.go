// Package limitertest is the conformance suite that every limiter.Limiter must pass.
package limitertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/limiter"
)

// slow refills so slowly that nothing comes back within a test.
const slow = 1.0 / 3600

// Run checks the limiter that open returns. It may be shared: the suite uses keys of its own.
func Run(t *testing.T, open func(t *testing.T) limiter.Limiter) {
	for i, tt := range []struct {
		name string
		fn   func(t *testing.T, l limiter.Limiter, key string)
	}{
		{"burst, then no", testBurst},
		{"no rate is no limit", testUnlimited},
		{"no burst is the rate", testNoBurst},
		{"keys do not share", testKeys},
		{"tokens come back", testRefill},
		{"retry after is the truth", testRetryAfter},
		{"reset fills the bucket", testReset},
		{"exact under concurrency", testConcurrent},
		{"a charge is owed", testCharge},
		{"a charge refills at the rule's rate", testChargeRefills},
		{"debt is bounded", testDebt},
		{"charges are exact under concurrency", testConcurrentCharge},
		{"odd keys and rules", testOdd},
		{"ended context", testContext},
		{"close lets through", testClose},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := open(t)
			t.Cleanup(func() { _ = l.Close() })
			tt.fn(t, l, fmt.Sprintf("limitertest:%d:%d", time.Now().UnixNano(), i))
		})
	}
}

func allow(t *testing.T, l limiter.Limiter, key string, r limiter.Rule) limiter.Result {
	t.Helper()
	res, err := l.Allow(t.Context(), key, r)
	if err != nil {
		t.Fatalf("Allow: %v", err)
	}
	if res.OK == (res.RetryAfter > 0) {
		t.Fatalf("%+v: a refusal, and only a refusal, says when to come again", res)
	}
	return res
}

// granted counts how many of n requests are let through.
func granted(t *testing.T, l limiter.Limiter, key string, r limiter.Rule, n int) (ok int) {
	t.Helper()
	for range n {
		if allow(t, l, key, r).OK {
			ok++
		}
	}
	return ok
}

func testBurst(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 5}
	for i := range 8 {
		if got := allow(t, l, key, r).OK; got != (i < 5) {
			t.Errorf("request %d: %v", i+1, got)
		}
	}
}

func testUnlimited(t *testing.T, l limiter.Limiter, key string) {
	for _, r := range []limiter.Rule{{}, {Burst: 1}, {Rate: -1, Burst: 1}} {
		if got := granted(t, l, key, r, 50); got != 50 {
			t.Errorf("%+v let %d of 50 through", r, got)
		}
	}
}

func testNoBurst(t *testing.T, l limiter.Limiter, key string) {
	if got := granted(t, l, key+"a", limiter.Rule{Rate: slow}, 5); got != 1 {
		t.Errorf("%d let through, want 1", got)
	}
	// The bucket refills while the requests come, by a hair.
	if got := granted(t, l, key+"b", limiter.Rule{Rate: 2.5}, 5); got < 3 {
		t.Errorf("%d let through, want 3", got)
	}
}

func testKeys(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 2}
	for _, k := range []string{key + "a", key + "b", key + "c"} {
		if got := granted(t, l, k, r, 5); got != 2 {
			t.Errorf("%s: %d let through, want 2", k, got)
		}
	}
}

func testRefill(t *testing.T, l limiter.Limiter, key string) {
	const want = 20
	r := limiter.Rule{Rate: 40, Burst: 4}
	began := time.Now()
	got := 0
	for got < want {
		if allow(t, l, key, r).OK {
			got++
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("only %d let through", got)
		}
	}
	// 4 at once, 16 more at 40 per second.
	if took := time.Since(began); took < 350*time.Millisecond {
		t.Errorf("%d requests took %v, want 400 ms", want, took)
	}
}

func testRetryAfter(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: 10, Burst: 1}
	for range 3 {
		if !allow(t, l, key, r).OK {
			t.Fatal("refused after the time that RetryAfter named")
		}
		res := allow(t, l, key, r)
		if res.OK {
			t.Fatal("let through too early")
		}
		if res.RetryAfter > 100*time.Millisecond {
			t.Errorf("RetryAfter is %v, want at most 100 ms", res.RetryAfter)
		}
		timer := time.NewTimer(res.RetryAfter + time.Millisecond)
		<-timer.C
	}
	if !allow(t, l, key+"hour", limiter.Rule{Rate: slow, Burst: 1}).OK {
		t.Fatal("the first is refused")
	}
	res := allow(t, l, key+"hour", limiter.Rule{Rate: slow, Burst: 1})
	if res.RetryAfter < 59*time.Minute || res.RetryAfter > time.Hour {
		t.Errorf("RetryAfter is %v, want an hour", res.RetryAfter)
	}
}

func testReset(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 3}
	if err := l.Reset(t.Context(), key); err != nil {
		t.Fatalf("Reset of a new key: %v", err)
	}
	granted(t, l, key, r, 5)
	if err := l.Reset(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if got := granted(t, l, key, r, 5); got != 3 {
		t.Errorf("%d let through after Reset, want 3", got)
	}
}

func testConcurrent(t *testing.T, l limiter.Limiter, key string) {
	const burst = 50
	r := limiter.Rule{Rate: slow, Burst: burst}
	var ok atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 10 {
				res, err := l.Allow(t.Context(), key, r)
				if err != nil {
					t.Errorf("Allow: %v", err)
				}
				if res.OK {
					ok.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if ok.Load() != burst {
		t.Errorf("%d let through, want %d", ok.Load(), burst)
	}
}

func testCharge(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 5}
	l.Charge(t.Context(), key, r, 0)
	l.Charge(t.Context(), key, r, 2)
	if got := granted(t, l, key, r, 8); got != 3 {
		t.Errorf("%d let through after 2 of 5 were charged, want 3", got)
	}
	l.Charge(t.Context(), key, r, 3)
	res := allow(t, l, key, r)
	// Three are owed and one is to be there.
	if want := 4 * time.Hour; res.OK || res.RetryAfter > want || res.RetryAfter < want-time.Minute {
		t.Errorf("%+v, want to wait %v", res, want)
	}
	if err := l.Reset(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if got := granted(t, l, key, r, 8); got != 5 {
		t.Errorf("%d let through after Reset, want 5", got)
	}
	l.Charge(t.Context(), key+"off", limiter.Rule{}, 100)
	if got := granted(t, l, key+"off", limiter.Rule{}, 5); got != 5 {
		t.Errorf("a rule without a rate let %d of 5 through", got)
	}
}

func testChargeRefills(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: 100, Burst: 10}
	began := time.Now()
	l.Charge(t.Context(), key, r, 40) // 30 are owed: 0.3 s
	for !allow(t, l, key, r).OK {
		if time.Since(began) > 30*time.Second {
			t.Fatal("the debt does not end")
		}
	}
	if took := time.Since(began); took < 250*time.Millisecond {
		t.Errorf("let through after %v, want 310 ms", took)
	}
}

func testDebt(t *testing.T, l limiter.Limiter, key string) {
	for _, tt := range []struct {
		name string
		rule limiter.Rule
		want time.Duration
	}{
		{"a minute", limiter.Rule{Rate: 10, Burst: 20}, time.Minute + 100*time.Millisecond},
		{"the burst, if that takes longer", limiter.Rule{Rate: 1, Burst: 600}, 601 * time.Second},
	} {
		for range 3 {
			l.Charge(t.Context(), key+tt.name, tt.rule, math.MaxInt32)
		}
		res := allow(t, l, key+tt.name, tt.rule)
		if res.OK || res.RetryAfter > tt.want || res.RetryAfter < tt.want-5*time.Second {
			t.Errorf("%s: %+v, want to wait %v", tt.name, res, tt.want)
		}
	}
}

func testConcurrentCharge(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 500}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 10 {
				l.Charge(t.Context(), key, r, 2)
			}
		})
	}
	wg.Wait()
	if got := granted(t, l, key, r, 110); got != 100 {
		t.Errorf("%d let through after 400 of 500 were charged, want 100", got)
	}
}

func testOdd(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 1}
	for _, k := range []string{key + ":登录 name\x00\n{x}", key + "::1%eth0", key} {
		if got := granted(t, l, k, r, 3); got != 1 {
			t.Errorf("%q: %d let through, want 1", k, got)
		}
	}
	for i, r := range []limiter.Rule{
		{Rate: math.MaxFloat64, Burst: 1},
		{Rate: math.SmallestNonzeroFloat64, Burst: 1},
		{Rate: 1e6, Burst: math.MaxInt32},
		{Rate: math.MaxFloat64},
	} {
		if !allow(t, l, fmt.Sprint(key, "rule", i), r).OK {
			t.Errorf("%+v refuses the first", r)
		}
	}
}

func testContext(t *testing.T, l limiter.Limiter, key string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Allow(ctx, key, limiter.Rule{Rate: 1, Burst: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the error of the context", err)
	}
}

func testClose(t *testing.T, l limiter.Limiter, key string) {
	r := limiter.Rule{Rate: slow, Burst: 1}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !allow(t, l, key, r).OK {
		t.Error("refused after Close")
	}
	if err := l.Reset(t.Context(), key); err != nil {
		t.Errorf("Reset after Close: %v", err)
	}
}
