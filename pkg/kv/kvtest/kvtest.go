// Package kvtest is the conformance suite that every kv.Store must pass.
package kvtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/kv"
)

// Run checks the store that open returns. It is opened once for each sub-test and may be shared or fresh: the suite
// uses keys of its own, under "kvtest:".
func Run(t *testing.T, open func(t *testing.T) kv.Store) {
	tests := []struct {
		name string
		fn   func(t *testing.T, s kv.Store, key func(string) string)
	}{
		{"missing keys are nil and the order is kept", testOrder},
		{"set replaces", testReplace},
		{"if absent", testIfAbsent},
		{"if value", testIfValue},
		{"values expire", testExpire},
		{"a later set renews the ttl", testRenew},
		{"an expired key is absent", testExpiredIsAbsent},
		{"delete", testDelete},
		{"bytes are kept", testBytes},
		{"bad items are refused as a whole", testBadItems},
		{"nothing to do", testEmpty},
		{"one winner", testOneWinner},
		{"many keys", testMany},
		{"ping and close", testClose},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { _ = s.Close() })
			prefix := fmt.Sprintf("kvtest:%d:%d:", time.Now().UnixNano(), i)
			tt.fn(t, s, func(k string) string { return prefix + k })
		})
	}
}

// Shared returns a memory store that LoadingCache takes for one that other processes use, too, as they use one Redis: values
// are encoded. It is closed at the end of the test.
func Shared(tb testing.TB) kv.Store {
	tb.Helper()
	s, err := kv.Open(tb.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return struct{ kv.Store }{s}
}

// minute is a TTL that does not end within a test.
const minute = time.Minute

func set(t *testing.T, s kv.Store, items ...kv.Item) {
	t.Helper()
	if err := s.Set(t.Context(), items); err != nil {
		t.Fatalf("Set: %v", err)
	}
}

func get(t *testing.T, s kv.Store, key string) []byte {
	t.Helper()
	v, err := s.MGet(t.Context(), []string{key})
	if err != nil {
		t.Fatalf("MGet: %v", err)
	}
	if len(v) != 1 {
		t.Fatalf("MGet of one key answered %d values", len(v))
	}
	return v[0]
}

func want(t *testing.T, s kv.Store, key, value string) {
	t.Helper()
	got := get(t, s, key)
	if value == "" && got != nil {
		t.Fatalf("%s = %q, want it missing", key, got)
	}
	if string(got) != value {
		t.Fatalf("%s = %q, want %q", key, got, value)
	}
}

// gone waits until the key has expired.
func gone(t *testing.T, s kv.Store, key string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for get(t, s, key) != nil {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not expire", key)
		}
	}
}

func testOrder(t *testing.T, s kv.Store, key func(string) string) {
	set(t, s, kv.Item{Key: key("a"), Value: []byte("1"), TTL: minute}, kv.Item{Key: key("b"), Value: []byte("2"), TTL: minute})
	got, err := s.MGet(t.Context(), []string{key("b"), key("x"), key("a"), key("b")})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || string(got[0]) != "2" || got[1] != nil || string(got[2]) != "1" || string(got[3]) != "2" {
		t.Fatalf("got %q", got)
	}
}

func testReplace(t *testing.T, s kv.Store, key func(string) string) {
	k := key("a")
	set(t, s, kv.Item{Key: k, Value: []byte("1"), TTL: minute})
	set(t, s, kv.Item{Key: k, Value: []byte("2"), TTL: minute})
	want(t, s, k, "2")
}

func testIfAbsent(t *testing.T, s kv.Store, key func(string) string) {
	a, b := key("a"), key("b")
	set(t, s, kv.Item{Key: a, Value: []byte("1"), TTL: minute})
	set(t, s,
		kv.Item{Key: a, Value: []byte("2"), TTL: minute, IfAbsent: true},
		kv.Item{Key: b, Value: []byte("3"), TTL: minute, IfAbsent: true})
	want(t, s, a, "1")
	want(t, s, b, "3")
}

func testIfValue(t *testing.T, s kv.Store, key func(string) string) {
	a, b := key("a"), key("b")
	set(t, s, kv.Item{Key: a, Value: []byte("1"), TTL: minute})
	set(t, s,
		kv.Item{Key: a, Value: []byte("no"), TTL: minute, IfValue: []byte("0")},
		kv.Item{Key: b, Value: []byte("no"), TTL: minute, IfValue: []byte("0")})
	want(t, s, a, "1")
	want(t, s, b, "")
	set(t, s, kv.Item{Key: a, Value: []byte("2"), TTL: minute, IfValue: []byte("1")})
	want(t, s, a, "2")
}

func testExpire(t *testing.T, s kv.Store, key func(string) string) {
	set(t, s,
		kv.Item{Key: key("a"), Value: []byte("1"), TTL: 300 * time.Millisecond},
		kv.Item{Key: key("long"), Value: []byte("1"), TTL: minute},
		kv.Item{Key: key("b"), Value: []byte("1"), TTL: 300 * time.Millisecond, IfAbsent: true})
	want(t, s, key("a"), "1")
	gone(t, s, key("a"))
	gone(t, s, key("b"))
	want(t, s, key("long"), "1")
}

func testRenew(t *testing.T, s kv.Store, key func(string) string) {
	set(t, s, kv.Item{Key: key("a"), Value: []byte("1"), TTL: 100 * time.Millisecond})
	set(t, s, kv.Item{Key: key("mark"), Value: []byte("1"), TTL: 200 * time.Millisecond})
	set(t, s, kv.Item{Key: key("a"), Value: []byte("2"), TTL: minute})
	gone(t, s, key("mark"))
	want(t, s, key("a"), "2")
}

func testExpiredIsAbsent(t *testing.T, s kv.Store, key func(string) string) {
	k := key("a")
	set(t, s, kv.Item{Key: k, Value: []byte("1"), TTL: 50 * time.Millisecond})
	deadline := time.Now().Add(10 * time.Second)
	for string(get(t, s, k)) != "2" {
		if time.Now().After(deadline) {
			t.Fatal("an expired value still counts as present")
		}
		set(t, s, kv.Item{Key: k, Value: []byte("2"), TTL: minute, IfAbsent: true})
	}
	set(t, s, kv.Item{Key: key("b"), Value: []byte("1"), TTL: 50 * time.Millisecond})
	gone(t, s, key("b"))
	set(t, s, kv.Item{Key: key("b"), Value: []byte("2"), TTL: minute, IfValue: []byte("1")})
	want(t, s, key("b"), "")
}

func testDelete(t *testing.T, s kv.Store, key func(string) string) {
	set(t, s, kv.Item{Key: key("a"), Value: []byte("1"), TTL: minute}, kv.Item{Key: key("b"), Value: []byte("2"), TTL: minute})
	if err := s.Delete(t.Context(), []string{key("a"), key("never")}); err != nil {
		t.Fatal(err)
	}
	want(t, s, key("a"), "")
	want(t, s, key("b"), "2")
}

func testBytes(t *testing.T, s kv.Store, key func(string) string) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	big := bytes.Repeat(all, 1024)
	set(t, s, kv.Item{Key: key("键\x00"), Value: all, TTL: minute}, kv.Item{Key: key("big"), Value: big, TTL: minute})
	if !bytes.Equal(get(t, s, key("键\x00")), all) || !bytes.Equal(get(t, s, key("big")), big) {
		t.Fatal("the bytes came back changed")
	}
}

func testBadItems(t *testing.T, s kv.Store, key func(string) string) {
	good := kv.Item{Key: key("good"), Value: []byte("1"), TTL: minute}
	for name, bad := range map[string]kv.Item{
		"no key":   {Value: []byte("1"), TTL: minute},
		"no value": {Key: key("bad"), TTL: minute},
		"no ttl":   {Key: key("bad"), Value: []byte("1")},
		"negative": {Key: key("bad"), Value: []byte("1"), TTL: -minute},
	} {
		if err := s.Set(t.Context(), []kv.Item{good, bad}); !errors.Is(err, kv.ErrBadItem) {
			t.Errorf("%s: %v, want ErrBadItem", name, err)
		}
	}
	want(t, s, key("good"), "")
	want(t, s, key("bad"), "")
}

func testEmpty(t *testing.T, s kv.Store, _ func(string) string) {
	got, err := s.MGet(t.Context(), nil)
	if err != nil || len(got) != 0 {
		t.Fatalf("MGet(nil) = %v, %v", got, err)
	}
	if err := s.Set(t.Context(), nil); err != nil {
		t.Fatalf("Set(nil): %v", err)
	}
	if err := s.Delete(t.Context(), nil); err != nil {
		t.Fatalf("Delete(nil): %v", err)
	}
}

func testOneWinner(t *testing.T, s kv.Store, key func(string) string) {
	const racers = 16
	k := key("a")
	var start, wg sync.WaitGroup
	var failed atomic.Pointer[error]
	race := func(item func(i int) kv.Item) {
		start.Add(1)
		for i := range racers {
			wg.Go(func() {
				start.Wait()
				if err := s.Set(context.Background(), []kv.Item{item(i)}); err != nil {
					failed.Store(&err)
				}
			})
		}
		start.Done()
		wg.Wait()
		if err := failed.Load(); err != nil {
			t.Fatal(*err)
		}
	}
	race(func(i int) kv.Item {
		return kv.Item{Key: k, Value: fmt.Append(nil, "absent", i), TTL: minute, IfAbsent: true}
	})
	first := get(t, s, k)
	if first == nil {
		t.Fatal("nobody won")
	}
	// Whoever comes second finds another value than first.
	race(func(i int) kv.Item {
		return kv.Item{Key: k, Value: fmt.Append(nil, "second", i), TTL: minute, IfValue: first}
	})
	second := get(t, s, k)
	if bytes.Equal(first, second) {
		t.Fatal("nobody replaced the value")
	}
	race(func(i int) kv.Item {
		return kv.Item{Key: k, Value: fmt.Append(nil, "third", i), TTL: minute, IfValue: first}
	})
	if got := get(t, s, k); !bytes.Equal(got, second) {
		t.Fatalf("replaced %q by %q on the condition of %q", second, got, first)
	}
}

func testMany(t *testing.T, s kv.Store, key func(string) string) {
	const n = 1000
	items, keys := make([]kv.Item, n), make([]string, n)
	for i := range n {
		keys[i] = key(fmt.Sprint(i))
		items[i] = kv.Item{Key: keys[i], Value: fmt.Append(nil, i), TTL: minute}
	}
	set(t, s, items...)
	got, err := s.MGet(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if string(got[i]) != fmt.Sprint(i) {
			t.Fatalf("%s = %q", keys[i], got[i])
		}
	}
	if err := s.Delete(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	want(t, s, keys[n-1], "")
}

func testClose(t *testing.T, s kv.Store, key func(string) string) {
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("Ping: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
	if _, err := s.MGet(t.Context(), []string{key("a")}); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("MGet after Close: %v, want ErrClosed", err)
	}
	if err := s.Set(t.Context(), []kv.Item{{Key: key("a"), Value: []byte("1"), TTL: minute}}); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Set after Close: %v, want ErrClosed", err)
	}
	if err := s.Delete(t.Context(), []string{key("a")}); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Delete after Close: %v, want ErrClosed", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("Ping after Close: %v, want ErrClosed", err)
	}
}
