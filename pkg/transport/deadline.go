package transport

import (
	"context"
	"strconv"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

const (
	// deadlineKey and probeKey are ours in the header of a call, beside Kitex' own numbers, which are small. Who does not know them
	// ignores them.
	deadlineKey uint16 = 1000
	probeKey    uint16 = 1001
	// allowedSkew is how much the clocks of two machines may differ before a deadline is wrong: NTP keeps them far closer. A write
	// may be done this long after its caller has given it up.
	allowedSkew = 250 * time.Millisecond
)

// callMeta carries the caller's deadline in the header of a call, as a time in Unix milliseconds: a process that was stopped knows
// by it, and by nothing else, that a call that waited for it is not wanted any more.
type callMeta struct{}

// probing is where the context of a probe says that it is one.
type probing struct{}

// WriteMeta implements remote.MetaHandler.
func (callMeta) WriteMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if msg.RPCRole() != remote.Client {
		return ctx, nil
	}
	put := func(key uint16, value string) {
		if header := msg.TransInfo().TransIntInfo(); header != nil {
			header[key] = value
		} else {
			msg.TransInfo().PutTransIntInfo(map[uint16]string{key: value})
		}
	}
	if at, ok := ctx.Deadline(); ok {
		put(deadlineKey, strconv.FormatInt(at.UnixMilli(), 10))
	}
	if ctx.Value(probing{}) != nil {
		put(probeKey, "1")
	}
	return ctx, nil
}

// ReadMeta implements remote.MetaHandler.
func (callMeta) ReadMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if msg.RPCRole() != remote.Server {
		return ctx, nil
	}
	header := msg.TransInfo().TransIntInfo()
	at, err := strconv.ParseInt(header[deadlineKey], 10, 64)
	probe := header[probeKey] != ""
	if err != nil && !probe {
		return ctx, nil //nolint:nilerr // a caller of an older release says none
	}
	return &arrived{Context: ctx, deadlineMs: at, probe: probe}, nil
}

// arrivedKey is where the context of a call has what came in its header.
type arrivedKey struct{}

// arrived is a context with what came in a call's header.
type arrived struct {
	context.Context //nolint:containedctx // it is one
	deadlineMs      int64
	probe           bool
}

// Value implements context.Context.
func (a *arrived) Value(key any) any {
	if key == (arrivedKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// answerProbes answers a probe, whatever its method, without a word to anybody: that it is answered is the answer.
func answerProbes(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, req, resp any) error {
		if a, ok := ctx.Value(arrivedKey{}).(*arrived); ok && a.probe {
			return nil
		}
		return next(ctx, req, resp)
	}
}

// withDeadline gives a handler the caller's deadline, which came with the call, and refuses a call whose caller has given it up.
// The deadline has no reading of the monotonic clock: whoever compares it, does so by the time of day, which a stopped process
// finds moved on. Kitex' own option never releases the timer of a call that succeeds: each keeps its context, a kilobyte, until
// the deadline has passed, and at 15,000 calls a second that is 75,000 of them.
func withDeadline(tel *telemetry.Telemetry) endpoint.Middleware {
	late := telemetry.Register(tel.Registry, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_rpc_late_total", Help: "Calls that were refused because their deadline had passed when they came to the handler.",
	}))
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri, now := rpcinfo.GetRPCInfo(ctx), time.Now().Round(0)
			at, ok := deadline(ctx, now, ri.Config().RPCTimeout())
			if !ok {
				return next(ctx, req, resp)
			}
			if !now.Before(at) {
				late.Inc()
				return answerWith(ri, errno.Unavailable)
			}
			ctx, cancel := context.WithDeadline(ctx, at)
			defer cancel()
			return next(ctx, req, resp)
		}
	}
}

// deadline is the sooner of the caller's, with the allowance for its clock, and the end of the timeout that begins now.
func deadline(ctx context.Context, now time.Time, timeout time.Duration) (at time.Time, ok bool) {
	if timeout > 0 {
		at, ok = now.Add(timeout), true
	}
	if a, said := ctx.Value(arrivedKey{}).(*arrived); said && a.deadlineMs > 0 {
		if caller := time.UnixMilli(a.deadlineMs).Add(allowedSkew); !ok || caller.Before(at) {
			at, ok = caller, true
		}
	}
	return at, ok
}
