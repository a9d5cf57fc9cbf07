package coalesce_test

import (
	"context"
	"runtime"
	"testing"

	"tiktok/pkg/coalesce"
)

// BenchmarkCoalescer is the overhead of a Coalescer whose call does nothing: idle, each request is its own call,
// and contended, 32 concurrent requests share calls.
func BenchmarkCoalescer(b *testing.B) {
	one := func(int64) int { return 1 }
	j := coalesce.New(1, 200, one, func(_ context.Context, questions []int64) ([]int64, error) {
		answers := make([]int64, len(questions))
		copy(answers, questions)
		return answers, nil
	})
	ask := func(b *testing.B, q int64) {
		if a, err := j.Start(b.Context(), q).Wait(b.Context()); err != nil || a != q {
			b.Errorf("%d: %d, %v", q, a, err)
		}
	}
	b.Run("idle", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ask(b, 7)
		}
	})
	b.Run("contended", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
		b.RunParallel(func(pb *testing.PB) {
			for q := int64(0); pb.Next(); q++ {
				ask(b, q)
			}
		})
	})
}
