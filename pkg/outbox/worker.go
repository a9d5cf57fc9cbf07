package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"tiktok/pkg/lifecycle"
)

const (
	// lonely is how often one message may fail alone until others after it are tried, to see whether it is the store or the message.
	lonely = 5
	// probes is how many others are tried then.
	probes = 3
)

// task is a message on its way to a consumer.
type task struct {
	Message
	publication *publication // with the memory driver
	done        bool
}

// worker brings messages to their end with one consumer: applied, or given up. It keeps their order, but for one case. A message that
// fails for long with an error that is not ErrPoison would stop everything behind it. So others are tried before it: if none succeeds
// it is the store, and all wait on; if one does and the message fails once more, it is given up.
type worker struct {
	Consumer
	log     *slog.Logger
	metrics consumerMetrics
	apply   Apply
	// bury keeps a message that is given up. Its error ends settle.
	bury func(ctx context.Context, t *task, cause error) error
	// applied is told of each message that was applied.
	applied func(t *task)
	// more returns messages that came since, without waiting. Its error ends settle.
	more func() ([]*task, error)
	// gone tells that nobody waits for a message any more.
	gone func(t *task) bool

	owed time.Duration // rest
}

// settle returns nil when all messages, and those that came since, have come to their end. With an error the others have not.
func (w *worker) settle(ctx context.Context, tasks []*task) error {
	retry := lifecycle.BackOff()
	n, failures := MaxBatch, 0
	for {
		if tasks = slices.DeleteFunc(tasks, w.gone); len(tasks) == 0 {
			return nil
		}
		w.rest(ctx)
		n = min(n, len(tasks))
		err := w.call(ctx, tasks[:n])
		switch {
		case err == nil:
			for _, t := range tasks[:n] {
				w.applied(t)
			}
			tasks = tasks[n:]
			n, failures = min(2*n, MaxBatch), 0
			retry.Reset()
			continue
		case errors.Is(err, ErrPoison) && n > 1:
			n /= 2 // as often as it takes to find it
			continue
		case errors.Is(err, ErrPoison):
			if err := w.giveUp(ctx, tasks[0], err); err != nil {
				return err
			}
			tasks = tasks[1:]
			n, failures = 2, 0
			continue
		}
		if failures++; failures == 1 || failures%16 == 0 {
			w.log.Warn("applying messages failed, trying again", "messages", n, "failures", failures, "err", err)
		}
		if !lifecycle.Pause(ctx, retry.NextBackOff()) {
			return ctx.Err()
		}
		more, err := w.more()
		if err != nil {
			return err
		}
		tasks = append(tasks, more...)
		switch {
		case n > 1 && failures > 1:
			n /= 2 // so that those before a bad one get on
		case n == 1 && failures%lonely == 0:
			left, gone, err := w.probe(ctx, tasks)
			if err != nil {
				return err
			}
			if tasks = left; gone {
				n, failures = 2, 0
				retry.Reset()
			}
		}
	}
}

// probe tries messages behind the first one, and that again when one of them succeeds. It returns what is left, and whether the first
// one is gone.
func (w *worker) probe(ctx context.Context, tasks []*task) (left []*task, gone bool, err error) {
	left = slices.Clone(tasks)
	for i := 1; i < min(len(left), probes+1); i++ {
		if w.call(ctx, left[i:i+1]) != nil {
			continue
		}
		w.applied(left[i])
		left = slices.Delete(left, i, i+1)
		cause := w.call(ctx, left[:1])
		if cause == nil {
			w.applied(left[0])
		} else if err := w.giveUp(ctx, left[0], cause); err != nil {
			return left, false, err
		}
		return left[1:], true, nil
	}
	return left, false, nil
}

// giveUp buries a message.
func (w *worker) giveUp(ctx context.Context, t *task, cause error) error {
	w.log.Error("giving up a message, see the dead letters", "seq", t.Seq, "topic", t.Topic, "err", cause)
	if err := w.bury(ctx, t, cause); err != nil {
		return err
	}
	w.metrics.dead.Inc()
	return nil
}

// call applies messages. What is being applied is finished even when ctx ends.
func (w *worker) call(ctx context.Context, tasks []*task) error {
	messages := make([]Message, len(tasks))
	for i, t := range tasks {
		messages[i] = t.Message
	}
	w.metrics.began(messages)
	began := time.Now()
	err := w.guarded(context.WithoutCancel(ctx), messages)
	w.owed += w.restAfter(time.Since(began))
	w.metrics.ended(len(messages), err)
	return err
}

// rest is what the consumer owes to the rest of the machine since it has worked.
func (w *worker) rest(ctx context.Context) {
	lifecycle.Pause(ctx, min(w.owed, maxRest))
	w.owed = 0
}

// guarded turns a panic into an error, so that one bad message cannot end the process again and again.
func (w *worker) guarded(ctx context.Context, messages []Message) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic: %v\n%s", ErrPoison, p, debug.Stack())
		}
	}()
	return w.apply(ctx, messages)
}
