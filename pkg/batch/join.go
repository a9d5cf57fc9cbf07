package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// late is how long a call has been under way when another may begin beside it. Until then who comes waits: a call costs
// more than the wait when there is much to do, and when there is little nothing is under way.
const late = 10 * time.Millisecond

// Joiner does the work of many calls with fewer: while one of its calls is under way, those that come wait and go
// together, as soon as it has ended. When it takes long, or those who wait fill a call, others begin beside it, up to
// flights calls at a time. In calm weather every call goes at once, by itself. Make one with Join; it is safe for concurrent use.
//
// Nobody gets an answer from before his call: a call joins only others that wait, and these stop waiting before do
// begins. The error of a joined call is everybody's. It has the values and the deadline of the one that opened it, but
// does not end when that one gives up.
type Joiner[Q, A any] struct {
	do      func(ctx context.Context, questions []Q) ([]A, error)
	size    func(Q) int
	most    int
	flights int

	mu      sync.Mutex
	flying  int
	began   time.Time       // the last one under way
	waiting []*joined[Q, A] // only the last one takes more questions
}

// Ticket is one question under way.
type Ticket[A any] struct {
	done <-chan struct{}
	// answer is called once done is closed.
	answer func() (A, error)
}

// joined are questions that go together. answers and err are written before done is closed and read after.
type joined[Q, A any] struct {
	ctx       context.Context //nolint:containedctx // a joined call is a request
	cancel    context.CancelFunc
	questions []Q
	size      int
	answers   []A
	err       error
	done      chan struct{}
}

// Join returns a Joiner of do, which answers each question at its place. The sizes of the questions of one call add up to
// at most most; a single question may be larger. do must not keep the questions.
func Join[Q, A any](flights, most int, size func(Q) int, do func(ctx context.Context, questions []Q) ([]A, error)) *Joiner[Q, A] {
	return &Joiner[Q, A]{do: do, size: size, most: most, flights: flights}
}

// Ask starts a question and returns at once. q must not be changed afterwards.
func (j *Joiner[Q, A]) Ask(ctx context.Context, q Q) Ticket[A] {
	j.mu.Lock()
	c, at := j.join(ctx, q)
	var first *joined[Q, A]
	if j.flying == 0 || j.flying < j.flights && (len(j.waiting) > 1 || time.Since(j.began) > late) {
		j.flying++
		first = j.take()
	}
	j.mu.Unlock()
	if first != nil {
		go j.fly(first)
	}
	return Ticket[A]{done: c.done, answer: func() (a A, err error) {
		if c.err != nil {
			return a, c.err
		}
		return c.answers[at], nil
	}}
}

// Wait returns the answer, or the error of ctx when that ends before. Answers are shared: they must not be changed. The
// zero Ticket answers nothing at once.
func (t Ticket[A]) Wait(ctx context.Context) (a A, err error) {
	if t.done == nil {
		return a, nil
	}
	select {
	case <-t.done:
		return t.answer()
	default:
	}
	select {
	case <-t.done:
		return t.answer()
	case <-ctx.Done():
		return a, ctx.Err()
	}
}

// join adds q to a call that waits and says at which place. mu is held.
func (j *Joiner[Q, A]) join(ctx context.Context, q Q) (c *joined[Q, A], at int) {
	size := j.size(q)
	last := len(j.waiting) - 1
	if last < 0 || j.waiting[last].size+size > j.most {
		c := &joined[Q, A]{ctx: context.WithoutCancel(ctx), cancel: func() {}, done: make(chan struct{})}
		if deadline, ok := ctx.Deadline(); ok {
			c.ctx, c.cancel = context.WithDeadline(c.ctx, deadline)
		}
		j.waiting = append(j.waiting, c)
		last++
	}
	c = j.waiting[last]
	c.questions = append(c.questions, q)
	c.size += size
	return c, len(c.questions) - 1
}

// fly works on calls until none waits.
func (j *Joiner[Q, A]) fly(c *joined[Q, A]) {
	for ; c != nil; c = j.next() {
		j.work(c)
	}
}

// next ends a call and returns the one that takes its place, if one waits.
func (j *Joiner[Q, A]) next() *joined[Q, A] {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		j.flying--
		return nil
	}
	return j.take()
}

// take is the call that has waited longest, which begins now. mu is held.
func (j *Joiner[Q, A]) take() *joined[Q, A] {
	c := j.waiting[0]
	j.waiting[0] = nil
	j.waiting = j.waiting[1:]
	j.began = time.Now()
	return c
}

func (j *Joiner[Q, A]) work(c *joined[Q, A]) {
	defer close(c.done)
	defer c.cancel()
	// In a caller's goroutine a panic would end one request, here the process.
	defer func() {
		if p := recover(); p != nil {
			c.err = fmt.Errorf("batch: panic: %v\n%s", p, debug.Stack())
		}
	}()
	c.answers, c.err = j.do(c.ctx, c.questions)
	if c.err == nil && len(c.answers) != len(c.questions) {
		c.err = fmt.Errorf("batch: %d answers to %d questions", len(c.answers), len(c.questions))
	}
}
