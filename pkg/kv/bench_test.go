package kv

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The benchmarks read what a feed page reads: 30 cards of 1000, some far more often than others. They print what an
// operation costs in CPU time of this process and, with TIKTOK_TEST_REDIS set, of Redis.

const (
	benchIDs  = 1000
	benchPage = 30
)

// profile is as long as a real user card.
type profile struct {
	ID            int64  `json:"id"`
	Username      string `json:"n"`
	AvatarKey     string `json:"a,omitempty"`
	BackgroundKey string `json:"b,omitempty"`
	Signature     string `json:"s,omitempty"`
	CreatedAtMs   int64  `json:"t"`
}

func loadProfiles(_ context.Context, ids []int64) (map[int64]profile, error) {
	out := make(map[int64]profile, len(ids))
	for _, id := range ids {
		out[id] = profile{
			ID: id, Username: fmt.Sprint("user number ", id), AvatarKey: fmt.Sprintf("avatars/%d.png", id%20),
			BackgroundKey: fmt.Sprintf("backgrounds/%d.jpg", id%20), Signature: "a line that says something", CreatedAtMs: 1_763_000_000_000 + id,
		}
	}
	return out, nil
}

// pages are sets of ids as different readers ask for them, Zipf distributed. Ids are as long as real ones.
func pages(n int) [][]int64 {
	rng := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(rng, 1.1, 8, benchIDs-1)
	out := make([][]int64, n)
	for i := range out {
		have := make(map[int64]bool)
		for len(have) < benchPage {
			id := int64(zipf.Uint64())
			if !have[id] {
				have[id] = true
				out[i] = append(out[i], 1<<50+id)
			}
		}
	}
	return out
}

func benchKey(id int64) string { return "tt:user:card:v1:{" + strconv.FormatInt(id, 10) + "}" }

// benchStores runs fn on the memory store, and on Redis when there is one.
func benchStores(b *testing.B, fn func(b *testing.B, s Store)) {
	b.Helper()
	configs := map[string]Config{"memory": {}}
	if addr := os.Getenv("TIKTOK_TEST_REDIS"); addr != "" {
		configs["redis"] = Config{Driver: DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second}
	}
	for name, cfg := range configs {
		b.Run("store="+name, func(b *testing.B) {
			s, err := Open(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			fn(b, s)
		})
	}
}

// benchCallers runs op by 1, 32 and 256 callers at a time.
func benchCallers(b *testing.B, s Store, op func(page []int64) error) {
	b.Helper()
	all := pages(4096)
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.ReportAllocs()
			var next atomic.Int64
			var wg sync.WaitGroup
			own, redis := ownCPU(b), redisCPU(b, s)
			b.ResetTimer()
			for range callers {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						if err := op(all[i%int64(len(all))]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			n := float64(b.N)
			b.ReportMetric(n/b.Elapsed().Seconds(), "ops/s")
			b.ReportMetric((ownCPU(b)-own).Seconds()*1e6/n, "µs-cpu/op")
			if _, ok := s.(*redisStore); ok {
				b.ReportMetric((redisCPU(b, s)-redis).Seconds()*1e6/n, "µs-redis/op")
			}
		})
	}
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// redisCPU is what the server of s has used so far.
func redisCPU(b *testing.B, s Store) time.Duration {
	b.Helper()
	r, ok := s.(*redisStore)
	if !ok {
		return 0
	}
	info, err := r.redis.Client.Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var sum float64
	for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += seconds
		}
	}
	return time.Duration(sum * float64(time.Second))
}

func BenchmarkMGet(b *testing.B) {
	benchStores(b, func(b *testing.B, s Store) {
		c := NewLoadingCache(reachable(s), Options[int64, profile]{Kind: "card", Key: benchKey}, loadProfiles)
		warm(b, c)
		benchCallers(b, s, func(page []int64) error {
			keys := make([]string, len(page))
			for i, id := range page {
				keys[i] = benchKey(id)
			}
			_, err := s.MGet(b.Context(), keys)
			return err
		})
	})
}

func BenchmarkGetMulti(b *testing.B) {
	benchStores(b, func(b *testing.B, s Store) {
		c := NewLoadingCache(reachable(s), Options[int64, profile]{Kind: "card", Key: benchKey}, loadProfiles)
		warm(b, c)
		benchCallers(b, s, func(page []int64) error {
			_, err := c.GetMulti(b.Context(), page)
			return err
		})
	})
}

// BenchmarkGetMultiLocal is BenchmarkGetMulti with the level in the process.
func BenchmarkGetMultiLocal(b *testing.B) {
	benchStores(b, func(b *testing.B, s Store) {
		c := NewLoadingCache(reachable(s), Options[int64, profile]{Kind: "card", Key: benchKey, Local: time.Second}, loadProfiles)
		warm(b, c)
		benchCallers(b, s, func(page []int64) error {
			_, err := c.GetMulti(b.Context(), page)
			return err
		})
	})
}

func warm(b *testing.B, c *LoadingCache[int64, profile]) {
	b.Helper()
	ids := make([]int64, benchIDs)
	for i := range ids {
		ids[i] = 1<<50 + int64(i)
	}
	if _, err := c.GetMulti(b.Context(), ids); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGetMultiInProcess is BenchmarkGetMulti on the memory store of a process: all ids are held.
func BenchmarkGetMultiInProcess(b *testing.B) {
	s, err := Open(b.Context(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	c := NewLoadingCache(s, Options[int64, profile]{Kind: "card", Key: benchKey}, loadProfiles)
	warm(b, c)
	benchCallers(b, s, func(page []int64) error {
		_, err := c.GetMulti(b.Context(), page)
		return err
	})
}
