package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// Every message is applied alone, many at a time, and its publisher gets apply's own answer.
func TestDirect(t *testing.T) {
	q, err := Open[int](t.Context(), Config{Driver: DriverDirect}, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	odd := errors.New("odd")
	both := make(chan struct{}, 2)
	consumer, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- q.Consume(consumer, func(ctx context.Context, batch []int) error {
			if len(batch) != 1 {
				t.Errorf("a batch of %d", len(batch))
			}
			both <- struct{}{}
			for len(both) < cap(both) && ctx.Err() == nil { // until the other one is here too
			}
			if batch[0]%2 == 1 {
				return odd
			}
			return nil
		})
	}()
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			applied, err := q.Publish(t.Context(), i)
			if want := i == 0; applied != want || want == (err != nil) || !want && !errors.Is(err, odd) {
				t.Errorf("publish %d: %v, %v", i, applied, err)
			}
		})
	}
	wg.Wait()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Consume: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Publish(gone, 2); !errors.Is(err, ErrBusy) {
		t.Errorf("publish without a consumer: %v, want ErrBusy", err)
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	if _, err := q.Publish(t.Context(), 3); !errors.Is(err, ErrClosed) {
		t.Errorf("publish on a closed queue: %v, want ErrClosed", err)
	}
}
