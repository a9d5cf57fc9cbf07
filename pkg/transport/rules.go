package transport

import (
	"context"
	"slices"

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
	warn := tel.Sampled()
	return server.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri := rpcinfo.GetRPCInfo(ctx)
			method := ri.Invocation().MethodName() // by which the handler is chosen
			if !slices.Contains(rules[method], ri.From().ServiceName()) {
				warn.WarnContext(ctx, "rpc refused: this caller may not call that", "method", method, "from", ri.From().ServiceName())
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
