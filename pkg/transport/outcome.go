package transport

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/fallback"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/utils"

	"tiktok/pkg/errno"
)

// Outcomes make a client of a service tell what became of a call without an answer: a write that was sent, or may have been, is
// errno.OutcomeUnknown; one that was not, and every read, errno.Unavailable. RemoteOptions have it; put it beside Local.
func Outcomes(methods Methods) client.Option {
	return client.WithFallback(fallback.NewFallbackPolicy(
		func(ctx context.Context, _ utils.KitexArgs, result utils.KitexResult, err error) error {
			return settle(methods, ctx, result, err)
		}))
}

// settle is called with the end of every call, and what it returns is the caller's.
func settle(methods Methods, ctx context.Context, result utils.KitexResult, err error) error {
	if err == nil {
		return nil
	}
	var second *answer
	switch {
	case errors.As(err, &second): // the first request may still be under way, and Kitex must not know the call for finished
		return second.into(result)
	case !lost(err):
		return err
	case unsent(err) || methods[rpcinfo.GetRPCInfo(ctx).Invocation().MethodName()].Kind == Read:
		return fmt.Errorf("%w: %w", errno.Unavailable, err)
	default:
		return fmt.Errorf("%w: %w", errno.OutcomeUnknown, err)
	}
}

// answer is that of another replica than the first, or none.
type answer struct {
	result utils.KitexResult
	err    error
}

// Error implements error: an answer goes through Kitex as one.
func (*answer) Error() string { return "answered by another replica" }

// came reports whether there is an answer, which may be a refusal.
func (a *answer) came() bool { return a.err == nil || !lost(a.err) }

func (a *answer) into(result utils.KitexResult) error {
	if a.err == nil {
		result.SetSuccess(a.result.GetResult())
	}
	return a.err
}

// lost reports that a failed call has got no answer from a server, or in this process from a handler.
func lost(err error) bool {
	if _, ok := kerrors.FromBizStatusError(err); ok || errors.Is(err, kerrors.ErrBiz) || errors.Is(err, kerrors.ErrPanic) {
		return false
	}
	var e *errno.Error
	var answered *remote.TransError
	return !errors.As(err, &e) && !errors.As(err, &answered)
}

// unsent reports that no server can have got a call that failed.
func unsent(err error) bool {
	return errors.Is(err, kerrors.ErrGetConnection) || errors.Is(err, kerrors.ErrServiceDiscovery) || errors.Is(err, kerrors.ErrNoMoreInstance)
}

// broken reports that a call failed because the server refused a connection, could not be reached or broke one off: others of its
// kind would fare no better. A call that only got no answer in time says less.
func broken(err error) bool {
	if err == nil || !lost(err) {
		return false
	}
	var timed interface{ Timeout() bool }
	late := errors.Is(err, kerrors.ErrRPCTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.As(err, &timed) && timed.Timeout()
	return errors.Is(err, kerrors.ErrGetConnection) || !late
}
