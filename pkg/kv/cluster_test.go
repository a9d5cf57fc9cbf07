package kv

import (
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
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
