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

// Kind says what it means to send a call twice, and with that what a client does when no answer comes.
type Kind int

// The kinds of methods. The zero value is the one that is never wrong.
const (
	// Write must not be sent twice. When it is not known whether it was done, the answer is errno.OutcomeUnknown.
	Write Kind = iota
	// RepeatableWrite sets a state: sent twice it is as good as once. It is sent again, to another replica, when the first is lost.
	RepeatableWrite
	// Read changes nothing. It is sent to another replica as well when it is not answered soon.
	Read
)

// Method is one method of a service.
type Method struct {
	Kind Kind
	// Callers are the services that may call it, by their names.
	Callers []string
}

// Methods are those of a service, by name. A method that is not in it has no callers.
type Methods map[string]Method

// Guard refuses calls that the methods do not allow, with errno.CallRefused. The caller's name is proved with mutual TLS; without,
// it is what the caller says, and keeps out mistakes only.
func Guard(methods Methods, tel *telemetry.Telemetry) server.Option {
	warn := tel.Sampled()
	return server.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri := rpcinfo.GetRPCInfo(ctx)
			method := ri.Invocation().MethodName() // by which the handler is chosen
			if !slices.Contains(methods[method].Callers, ri.From().ServiceName()) {
				warn.WarnContext(ctx, "rpc refused: this caller may not call that", "method", method, "from", ri.From().ServiceName())
				return answerWith(ri, errno.CallRefused)
			}
			return next(ctx, req, resp)
		}
	})
}

// answerWith answers a call with an error instead of calling the handler.
func answerWith(ri rpcinfo.RPCInfo, e *errno.Error) error {
	if s, ok := ri.Invocation().(rpcinfo.InvocationSetter); ok {
		s.SetBizStatusErr(e)
		return nil
	}
	return e
}
