package transport

import (
	"context"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"
)

// Local makes a generated client call svr in this process: no socket and no codec, but the same server middleware,
// panic recovery and biz status as over TCP. svr need not be running. caller names the calling service.
//
// Messages are shared by pointer, and after a cancel the handler may still read its request: treat every message as
// read-only once it is sent or returned.
//
// Options that wrap the call, such as Strict, must come before it: what comes after is never reached.
func Local(caller string, svr server.Server) (client.Option, error) {
	lc, err := server.NewLocalCaller(caller, svr)
	if err != nil {
		return client.Option{}, err
	}
	call := func(ctx context.Context, args, result any) error {
		inv := rpcinfo.GetRPCInfo(ctx).Invocation()
		err := lc.Call(ctx, inv.ServiceName()+"/"+inv.MethodName(), args, result)
		if biz, ok := kerrors.FromBizStatusError(err); ok {
			if set, ok := inv.(rpcinfo.InvocationSetter); ok {
				set.SetBizStatusErr(biz) // as the codec of the TCP client does
				return nil
			}
		}
		return err
	}
	return client.WithMiddleware(func(endpoint.Endpoint) endpoint.Endpoint { return call }), nil
}
