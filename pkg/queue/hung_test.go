package queue_test

import (
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// A process that hangs, with messages in hand and others on their way to it, loses them to another one within eight seconds. When it
// goes on it cannot acknowledge what is not its any more.
func TestRabbitHungConsumer(t *testing.T) {
	u := rabbitURL(t)
	p, proxied := newProxy(t, u)
	name := newName(t, u)
	hung := openRabbit[int](t, name, queue.Config{URL: proxied, AppliedWait: -1, MaxBatch: 1})
	awaitReady(t, hung)
	entered, resume := make(chan struct{}), make(chan struct{})
	first := collect(t, hung, func([]int) error {
		select {
		case <-entered:
		default:
			close(entered)
		}
		<-resume
		return nil
	})
	healthy := openRabbit[int](t, name, queue.Config{URL: u, AppliedWait: -1, MaxBatch: 1})
	awaitReady(t, healthy)
	const messages = 20
	for i := range messages {
		if _, err := healthy.Publish(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	<-entered
	p.Freeze()
	began := time.Now()
	second := collect(t, healthy, nil)
	eventually(t, func() bool { return second.len() == messages })
	took := time.Since(began)
	t.Logf("the other process has all after %v", took)
	if took > 8*time.Second {
		t.Errorf("took %v, want at most 8 s", took)
	}
	p.Thaw()
	close(resume)
	eventually(t, func() bool { return first.len() > 0 }) // the one in hand, a second time
	if _, err := healthy.Publish(t.Context(), messages); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return first.has(messages) || second.has(messages) })
}
