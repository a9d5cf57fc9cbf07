package kv_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
)

func TestMemory(t *testing.T) {
	kvtest.Run(t, func(t *testing.T) kv.Store { return open(t, kv.Config{}) })
}

func TestRedis(t *testing.T) {
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	// A race detector build on a busy machine may need long for the 1000 keys.
	onRedis := func(t *testing.T) kv.Store {
		return open(t, kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second})
	}
	kvtest.Run(t, onRedis)
	t.Run("lists", func(t *testing.T) { kvtest.RunLists(t, onRedis) })
}

func open(t *testing.T, cfg kv.Config) kv.Store {
	t.Helper()
	s, err := kv.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestOpenRefusesUnknownDriver(t *testing.T) {
	if _, err := kv.Open(t.Context(), kv.Config{Driver: "floppy"}); err == nil {
		t.Fatal("want an error")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 1 << 20
	s := open(t, kv.Config{MaxBytes: limit})
	value := make([]byte, 1000)
	keys := make([]string, 0, 10_000)
	for i := range 10_000 {
		k := string(rune('a'+i%26)) + time.Duration(i).String()
		keys = append(keys, k)
		if err := s.Set(t.Context(), []kv.Item{{Key: k, Value: value, TTL: time.Hour}}); err != nil {
			t.Fatal(err)
		}
	}
	// Eviction runs behind the writes: wait until it has caught up.
	deadline := time.Now().Add(10 * time.Second)
	for {
		got, err := s.MGet(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for i, v := range got {
			if v != nil {
				size += len(keys[i]) + len(v)
			}
		}
		if size > 0 && size <= limit {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are held, the limit is %d", size, limit)
		}
	}
}

func TestRedisAwayAndBack(t *testing.T) {
	server := miniredis.RunT(t)
	addr := server.Addr()
	server.Close()
	s := open(t, kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}})
	began := time.Now()
	for range 200 {
		if _, err := s.MGet(t.Context(), []string{"k"}); err == nil {
			t.Fatal("want an error while Redis is away")
		}
	}
	// Without the breaker each call could cost a timeout.
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("200 calls took %v while Redis is away", took)
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := s.Set(t.Context(), []kv.Item{{Key: "k", Value: []byte("v"), TTL: time.Minute}})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Redis is back and still: %v", err)
		}
	}
}

func TestRedisHungServerIsGivenUp(t *testing.T) {
	server := miniredis.RunT(t)
	s := open(t, kv.Config{Driver: kv.DriverRedis, Addrs: []string{server.Addr()}, Timeout: 100 * time.Millisecond})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Lock() // holds every command
	defer server.Unlock()
	began := time.Now()
	if _, err := s.MGet(context.Background(), []string{"k"}); err == nil {
		t.Fatal("want an error from a server that hangs")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("took %v", took)
	}
}
