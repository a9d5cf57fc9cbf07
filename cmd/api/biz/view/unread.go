package view

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sony/gobreaker/v2"

	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/notice"
)

// Unread is what a viewer has not read yet, 0 where that is not known.
type Unread struct{ Conversations, Notices int32 }

// counter is a call for a number that an answer may do without, behind a circuit breaker: while the service hangs, no request waits.
type counter struct {
	breaker *gobreaker.CircuitBreaker[int32]
	call    func(ctx context.Context, viewer int64) (int32, error)
}

func newCounter(call func(ctx context.Context, viewer int64) (int32, error)) counter {
	return counter{call: call, breaker: gobreaker.NewCircuitBreaker[int32](gobreaker.Settings{
		Timeout:      breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 },
		IsSuccessful: func(err error) bool { return !errors.Is(err, errTimedOut) },
	})}
}

// count asks until the deadline of ctx. While the breaker is not closed it fails at once, and probes now and then.
func (c counter) count(ctx context.Context, viewer int64) (int32, error) {
	switch c.breaker.State() {
	case gobreaker.StateClosed:
		return c.try(ctx, viewer)
	case gobreaker.StateHalfOpen:
		if c.breaker.Counts().Requests == 0 {
			probe, cancel := context.WithTimeout(context.WithoutCancel(ctx), optionalTimeout)
			go func() {
				defer cancel()
				_, _ = c.try(probe, viewer) // the breaker remembers what matters
			}()
		}
	case gobreaker.StateOpen:
	}
	return 0, gobreaker.ErrOpenState
}

func (c counter) try(ctx context.Context, viewer int64) (int32, error) {
	return c.breaker.Execute(func() (int32, error) {
		n, err := c.call(ctx, viewer)
		if err != nil && timedOut(ctx) {
			err = fmt.Errorf("%w: %w", errTimedOut, err)
		}
		return n, err
	})
}

// unread asks for both numbers at a time, within ctx.
func (v *View) unread(ctx context.Context, viewer int64) Unread {
	var u Unread
	var notices error
	var both sync.WaitGroup
	both.Go(func() { u.Notices, notices = v.unreadNotices.count(ctx, viewer) })
	var conversations error
	u.Conversations, conversations = v.unreadChats.count(ctx, viewer)
	both.Wait()
	for what, err := range map[string]error{"unread": conversations, "unread notices": notices} {
		if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
			v.reportMissing(ctx, what, err)
		}
	}
	return u
}

func (v *View) countChats(ctx context.Context, viewer int64) (int32, error) {
	r, err := v.clients.Chat.CountUnread(ctx, &chat.CountUnreadRequest{UserId: viewer})
	if err != nil {
		return 0, err
	}
	return r.Conversations, nil
}

func (v *View) countNotices(ctx context.Context, viewer int64) (int32, error) {
	r, err := v.clients.Notice.CountUnread(ctx, &notice.CountUnreadRequest{UserId: viewer})
	if err != nil {
		return 0, err
	}
	return r.Notices, nil
}
