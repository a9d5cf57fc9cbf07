package kv

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
)

func TestRedisClusterPipelines(t *testing.T) {
	server := miniredis.RunT(t)
	s := newRedisStore(Config{Addrs: []string{server.Addr()}, Cluster: true, Timeout: 5 * time.Second})
	defer func() { _ = s.Close() }()
	if !s.cluster {
		t.Fatal("not in Cluster mode")
	}
	var keys []string
	var items []Item
	for i := range 100 {
		k := fmt.Sprintf("tt:test:{%d}", i)
		keys = append(keys, k)
		items = append(items, Item{Key: k, Value: []byte(k), TTL: time.Minute, IfAbsent: i%2 == 0})
	}
	if err := s.Set(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), []Item{{Key: keys[0], Value: []byte("new"), TTL: time.Minute, IfValue: []byte(keys[0])}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.MGet(t.Context(), append(keys, "missing"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got[0]) != "new" || string(got[99]) != keys[99] || got[100] != nil {
		t.Fatalf("got %q, %q, %q", got[0], got[99], got[100])
	}
	if err := s.Delete(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	if got, err = s.MGet(t.Context(), keys); err != nil || got[5] != nil {
		t.Fatalf("after Delete: %q, %v", got[5], err)
	}
}

func texts(values [][]byte) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// TestReadsShareACall: reads that share a call ask for each key once, and each gets its own values in its own order.
func TestReadsShareACall(t *testing.T) {
	server := miniredis.RunT(t)
	s := newRedisStore(Config{Addrs: []string{server.Addr()}, Timeout: 5 * time.Second})
	defer func() { _ = s.Close() }()
	for _, k := range []string{"hot", "own0", "own1", "own2"} {
		if err := server.Set(k, "value of "+k); err != nil {
			t.Fatal(err)
		}
	}
	var requests [][]string
	for i := range 3 {
		requests = append(requests, []string{"hot", "missing", fmt.Sprint("own", i), "hot"})
	}
	if err := s.Ping(t.Context()); err != nil { // a new connection has commands of its own
		t.Fatal(err)
	}
	before := server.CommandCount()
	answers, err := s.readAll(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range answers {
		if got.values[1] != nil {
			t.Errorf("request %d: a value of a key without one", i)
		}
		if diff := cmp.Diff([]string{"value of hot", "", fmt.Sprint("value of own", i), "value of hot"}, texts(got.values)); diff != "" {
			t.Errorf("request %d: %s", i, diff)
		}
	}
	if n := server.CommandCount() - before; n != 1 {
		t.Errorf("%d commands, want 1", n)
	}
	server.SetError("LOADING")
	if _, err := s.readAll(t.Context(), requests); err == nil {
		t.Error("want the error of the server")
	}
}
