package transport

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"

	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

// Rules are the callers of each method of a service, by their names. A method that is not in it has none.
type Rules map[string][]string

// Guard refuses calls that the rules do not allow, with errno.CallRefused. The caller's name is proved with mutual TLS; without,
// it is what the caller says, and keeps out mistakes only.
func Guard(rules Rules, tel *telemetry.Telemetry) server.Option {
	warn := newSeldom(tel.Log)
	return server.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri := rpcinfo.GetRPCInfo(ctx)
			method := ri.Invocation().MethodName() // by which the handler is chosen
			if !slices.Contains(rules[method], ri.From().ServiceName()) {
				warn.log(ctx, "rpc refused: this caller may not call that", "method", method, "from", ri.From().ServiceName())
				return refuse(ri)
			}
			return next(ctx, req, resp)
		}
	})
}

// refuse answers a call that is not allowed.
func refuse(ri rpcinfo.RPCInfo) error {
	if s, ok := ri.Invocation().(rpcinfo.InvocationSetter); ok {
		s.SetBizStatusErr(errno.CallRefused)
		return nil
	}
	return errno.CallRefused
}

// seldom writes at most one warning a second: whoever causes them must not fill the disk. What is left out is counted.
type seldom struct {
	to      *slog.Logger
	next    atomic.Int64 // when the next one may be written, Unix nanoseconds
	leftOut atomic.Int64
}

func newSeldom(log *slog.Logger) *seldom { return &seldom{to: log} }

func (s *seldom) log(ctx context.Context, what string, args ...any) {
	now, next := time.Now().UnixNano(), s.next.Load()
	if now < next || !s.next.CompareAndSwap(next, now+int64(time.Second)) {
		s.leftOut.Add(1)
		return
	}
	s.to.With("left_out", s.leftOut.Swap(0)).WarnContext(ctx, what, args...) //nolint:sloglint // the callers' texts are constants
}
