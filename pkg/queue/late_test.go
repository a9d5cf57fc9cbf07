package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// overdue is a context whose deadline has passed and whose timer has not fired, as in a process that was stopped and goes on.
type overdue struct {
	context.Context
	at time.Time
}

func (o overdue) Deadline() (time.Time, bool) { return o.at, true }

// What waits for a batch when its deadline passes is not applied.
func TestWhatComesTooLateIsNotApplied(t *testing.T) {
	q := openMemory[int](t, queue.Config{MaxBatch: 8})
	var got []int
	entered, gate := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- q.Consume(ctx, func(_ context.Context, batch []int) error {
			if got == nil {
				close(entered)
			}
			<-gate
			got = append(got, batch...)
			return nil
		})
	}()
	first := make(chan error, 1)
	go func() { _, err := q.Publish(t.Context(), 1); first <- err }()
	<-entered
	at := time.Now().Add(50 * time.Millisecond)
	second := make(chan error, 1)
	go func() { _, err := q.Publish(overdue{t.Context(), at}, 2); second <- err }()
	for time.Now().Before(at) {
	}
	if applied, err := q.Publish(overdue{t.Context(), at}, 3); applied || !errors.Is(err, queue.ErrBusy) {
		t.Errorf("published after the deadline: %v, %v", applied, err)
	}
	close(gate)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, queue.ErrBusy) {
		t.Errorf("waited until after the deadline: %v", err)
	}
	cancel()
	<-ended
	if len(got) != 1 || got[0] != 1 {
		t.Errorf("applied: %v", got)
	}
}
