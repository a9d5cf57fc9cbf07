package queuetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tiktok/pkg/queue"
	"tiktok/pkg/queue/queuetest"
)

// deliveries publishes 0..n-1 one after the other through Chaos and returns what apply saw.
func deliveries(t *testing.T, seed uint64, n int, fail func(call int) error) []int {
	t.Helper()
	inner, err := queue.Open[int](t.Context(), queue.Config{}, "chaos", nil)
	if err != nil {
		t.Fatal(err)
	}
	q := queuetest.NewChaos(inner, seed)
	defer func() { _ = q.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var got []int
	calls := 0
	go func() {
		done <- q.Consume(ctx, func(_ context.Context, batch []int) error {
			calls++
			if err := fail(calls); err != nil {
				return err
			}
			got = append(got, batch...)
			return nil
		})
	}()
	for i := range n {
		applied, err := q.Publish(t.Context(), i)
		if err != nil || applied {
			t.Fatalf("Publish: %v, %v", applied, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Consume: %v", err)
	}
	return got
}

func never(int) error { return nil }

func TestChaos(t *testing.T) {
	const n = 500
	a, b, c := deliveries(t, 1, n, never), deliveries(t, 1, n, never), deliveries(t, 2, n, never)
	if !slices.Equal(a, b) {
		t.Error("the same seed must do the same")
	}
	if slices.Equal(a, c) {
		t.Error("another seed must do something else")
	}
	seen := make(map[int]int)
	first := make([]int, 0, n)
	for _, m := range a {
		if seen[m]++; seen[m] == 1 {
			first = append(first, m)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d messages were delivered", len(seen), n)
	}
	if len(a) < n*5/4 {
		t.Errorf("only %d deliveries of %d messages", len(a), n)
	}
	if slices.IsSorted(first) {
		t.Error("nothing was overtaken")
	}
}

func TestChaosLosesNothingInTrouble(t *testing.T) {
	const n = 300
	got := deliveries(t, 3, n, func(call int) error {
		if call%3 == 0 && call < 100 {
			return errors.New("store is away")
		}
		return nil
	})
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != n {
		t.Errorf("%d of %d messages were delivered", len(got), n)
	}
}

func TestChaosSettle(t *testing.T) {
	inner, err := queue.Open[int](t.Context(), queue.Config{}, "chaos", nil)
	if err != nil {
		t.Fatal(err)
	}
	q := queuetest.NewChaos(inner, 7)
	defer func() { _ = q.Close() }()
	if err := q.Settle(t.Context()); err == nil {
		t.Error("Settle before Consume must fail")
	}
	seen := make(map[int]bool)
	go func() {
		_ = q.Consume(t.Context(), func(_ context.Context, batch []int) error {
			for _, m := range batch {
				seen[m] = true
			}
			return nil
		})
	}()
	for i := range 100 {
		if _, err := q.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 100 {
		t.Errorf("%d of 100 messages were delivered", len(seen))
	}
}
