package transport

import (
	"context"
	"strconv"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/remote"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"

	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/tracing"
)

// traceServer makes a span of every answered call whose request is recorded. It goes around observe, whose lines then have
// the trace id. In process the context brings the trace, over TCP a header.
func traceServer(service string, tel *telemetry.Telemetry) []server.Option {
	traces := tel.Traces.For(service)
	if traces == nil {
		return nil
	}
	around := func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			if !tracing.On(ctx) {
				return next(ctx, req, resp)
			}
			ri := rpcinfo.GetRPCInfo(ctx)
			ctx, span := traces.Start(ctx, tracing.Server, service+"/"+ri.To().Method())
			defer span.End()
			span.Text("rpc.system.name", "kitex")
			span.Text("tiktok.caller", ri.From().ServiceName())
			err := next(ctx, req, resp)
			outcome(span, ri, err)
			return err
		}
	}
	return []server.Option{server.WithMetaHandler(traceMeta{}), server.WithMiddleware(around)}
}

// traceClient makes a span of every call over TCP whose request is recorded, and hands the trace on. In process the
// server's span is enough.
func traceClient(tel *telemetry.Telemetry) []client.Option {
	if tel.Traces == nil {
		return nil
	}
	around := func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			if !tracing.On(ctx) {
				return next(ctx, req, resp)
			}
			ri := rpcinfo.GetRPCInfo(ctx)
			ctx, span := tracing.Start(ctx, tracing.Client, "call "+ri.To().ServiceName()+"/"+ri.To().Method())
			defer span.End()
			span.Text("rpc.system.name", "kitex")
			err := next(ctx, req, resp)
			if addr := ri.To().Address(); addr != nil && span.On() {
				span.Text("network.peer.address", addr.String())
			}
			outcome(span, ri, err)
			return err
		}
	}
	return []client.Option{client.WithMiddleware(around), client.WithMetaHandler(traceMeta{})}
}

// outcome notes the status code of a call. A refusal is no failure of the call.
func outcome(span tracing.Span, ri rpcinfo.RPCInfo, err error) {
	if !span.On() {
		return
	}
	code := int32(0)
	if biz := ri.Invocation().BizStatusErr(); biz != nil {
		code = biz.BizStatusCode()
	}
	if err != nil {
		code = errno.From(err).Code
	}
	if code == 0 {
		return
	}
	span.Int("rpc.response.status_code", int(code))
	if code == errno.Internal.Code || code == errno.Unavailable.Code || code == errno.OutcomeUnknown.Code {
		span.Fail(strconv.Itoa(int(code)))
	}
}

// traceMeta carries the trace in the header of a call.
type traceMeta struct{}

// WriteMeta implements remote.MetaHandler.
func (traceMeta) WriteMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if msg.MessageType() == remote.Reply || msg.MessageType() == remote.Exception || tracing.ID(ctx) == "" {
		return ctx, nil
	}
	info := msg.TransInfo()
	headers := info.TransStrInfo()
	if headers == nil {
		headers = make(map[string]string, 1)
	}
	tracing.Put(ctx, headers)
	info.PutTransStrInfo(headers)
	return ctx, nil
}

// ReadMeta implements remote.MetaHandler.
func (traceMeta) ReadMeta(ctx context.Context, msg remote.Message) (context.Context, error) {
	if headers := msg.TransInfo().TransStrInfo(); msg.RPCRole() == remote.Server && len(headers) > 0 {
		return tracing.Take(ctx, headers), nil
	}
	return ctx, nil
}
