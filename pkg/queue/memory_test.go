package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/errno"
	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
)

func openMemory[T any](t testing.TB, cfg queue.Config) queue.Queue[T] {
	t.Helper()
	q, err := queue.Open[T](t.Context(), cfg, "test", nil, queue.WithMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func TestMemory(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queue.Queue[queuetest.Msg] {
		return openMemory[queuetest.Msg](t, queue.Config{MaxBatch: queuetest.MaxBatch})
	})
}

func TestMemorySmallCapacity(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queue.Queue[queuetest.Msg] {
		return openMemory[queuetest.Msg](t, queue.Config{MaxBatch: queuetest.MaxBatch, Capacity: 3})
	})
}

func TestOpenRefuses(t *testing.T) {
	if _, err := queue.Open[int](t.Context(), queue.Config{Driver: "pigeon"}, "x", nil); err == nil {
		t.Error("want an error for an unknown driver")
	}
	if _, err := queue.Open[int](t.Context(), queue.Config{}, "", nil); err == nil {
		t.Error("want an error for no name")
	}
}

// block starts a consumer whose first batch waits for release.
func block(t *testing.T, q queue.Queue[int], got *[]int) (entered chan struct{}, release func()) {
	t.Helper()
	entered, gate := make(chan struct{}), make(chan struct{})
	var enter sync.Once
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = q.Consume(ctx, func(_ context.Context, batch []int) error {
			enter.Do(func() { close(entered) })
			<-gate
			*got = append(*got, batch...)
			return nil
		})
	}()
	var open sync.Once
	release = func() {
		open.Do(func() {
			close(gate)
			cancel()
			<-done
		})
	}
	t.Cleanup(release)
	return entered, release
}

func TestMemoryGivesUpWhatWasNotTaken(t *testing.T) {
	q := openMemory[int](t, queue.Config{})
	var got []int
	entered, release := block(t, q, &got)
	first := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), 1)
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := q.Publish(ctx, 2)
	if !errors.Is(err, queue.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Publish behind a blocked batch: %v, want ErrBusy", err)
	}
	release()
	if err := <-first; err != nil {
		t.Errorf("the message under way: %v", err)
	}
	if !slices.Equal(got, []int{1}) {
		t.Errorf("applied %v, want only 1: 2 was refused", got)
	}
}

func TestMemoryUnknownOutcomeIsNotBusy(t *testing.T) {
	q := openMemory[int](t, queue.Config{})
	var got []int
	entered, release := block(t, q, &got)
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan error, 1)
	go func() {
		_, err := q.Publish(ctx, 1)
		out <- err
	}()
	<-entered
	cancel()
	err := <-out
	if !errors.Is(err, context.Canceled) || errors.Is(err, queue.ErrBusy) || !errno.From(err).Is(errno.OutcomeUnknown) {
		t.Errorf("Publish of what is being applied: %v, want OutcomeUnknown", err)
	}
	release()
}

func TestMemoryIsBounded(t *testing.T) {
	const capacity = 4
	q := openMemory[int](t, queue.Config{Capacity: capacity, MaxBatch: 1})
	var got []int
	entered, release := block(t, q, &got)
	results := make(chan error, 100)
	publish := func(ctx context.Context) {
		_, err := q.Publish(ctx, 1)
		results <- err
	}
	go publish(t.Context())
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for range 50 {
		go publish(ctx)
	}
	for range 50 {
		if err := <-results; !errors.Is(err, queue.ErrBusy) {
			t.Errorf("got %v, want ErrBusy", err)
		}
	}
	release()
	if err := <-results; err != nil {
		t.Error(err)
	}
	if len(got) != 1 {
		t.Errorf("%d messages were applied, want 1", len(got))
	}
}

func TestMemoryReturnsTheErrorOfApply(t *testing.T) {
	q := openMemory[int](t, queue.Config{})
	bad := errors.New("refused")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, func(_ context.Context, batch []int) error {
			if slices.Contains(batch, 13) {
				return fmt.Errorf("thirteen: %w", bad)
			}
			return nil
		})
	}()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			applied, err := q.Publish(t.Context(), i)
			if i == 13 && (applied || !errors.Is(err, bad)) {
				t.Errorf("13: %v, %v", applied, err)
			}
			if i != 13 && (!applied || err != nil) {
				t.Errorf("%d: %v, %v", i, applied, err)
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMemorySecondConsumerIsRefused(t *testing.T) {
	q := openMemory[int](t, queue.Config{})
	var got []int
	entered, _ := block(t, q, &got)
	go func() { _, _ = q.Publish(t.Context(), 1) }()
	<-entered
	if err := q.Consume(t.Context(), func(context.Context, []int) error { return nil }); err == nil {
		t.Error("want an error for a second consumer at the same time")
	}
}

func TestMemoryCloseWithoutConsumer(t *testing.T) {
	q := openMemory[int](t, queue.Config{})
	out := make(chan error, 1)
	go func() {
		_, err := q.Publish(t.Context(), 1)
		out <- err
	}()
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-out; !errors.Is(err, queue.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func BenchmarkMemory(b *testing.B) {
	for _, writers := range []int{1, 64, 512} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			q := openMemory[int](b, queue.Config{})
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			batches := 0
			go func() {
				done <- q.Consume(ctx, func(context.Context, []int) error { batches++; return nil })
			}()
			b.SetParallelism(writers)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := q.Publish(context.Background(), 1); err != nil {
						b.Error(err)
					}
				}
			})
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
			b.ReportMetric(float64(b.N)/float64(batches), "msgs/batch")
		})
	}
}
