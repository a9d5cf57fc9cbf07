package transport

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
)

// observe counts and times every call that a service answers, and logs the ones that failed for a reason of ours; at level
// debug all of them. It is the only place where a service logs an error of a handler, and where one of a store that is away
// becomes Unavailable.
func observe(service string, tel *telemetry.Telemetry) endpoint.Middleware {
	calls := telemetry.Register(tel.Registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_rpc_requests_total", Help: "Calls answered, by service, method and status code (0 is success).",
	}, []string{"service", "method", "code"}))
	seconds := telemetry.Register(tel.Registry, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tiktok_rpc_duration_seconds", Help: "Time to answer a call, by service and method.",
		Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 3},
	}, []string{"service", "method"}))
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			start := time.Now()
			err := next(ctx, req, resp)
			ri := rpcinfo.GetRPCInfo(ctx)
			method, code := ri.To().Method(), int32(0)
			if biz := ri.Invocation().BizStatusErr(); biz != nil {
				code = biz.BizStatusCode()
			}
			if err != nil {
				e := errno.From(err)
				code = e.Code
				tel.Log.ErrorContext(ctx, "rpc failed", "method", method, "from", ri.From().ServiceName(), "err", err)
				// The caller is told what a bare error would hide: that the same call may succeed later, or has perhaps been done.
				if setter, ok := ri.Invocation().(rpcinfo.InvocationSetter); ok && (e.Is(errno.Unavailable) || e.Is(errno.OutcomeUnknown)) {
					setter.SetBizStatusErr(e)
					err = nil
				}
			}
			if tel.Log.Enabled(ctx, slog.LevelDebug) {
				tel.Log.DebugContext(ctx, "rpc", "method", method, "from", ri.From().ServiceName(), "code", code, "took", time.Since(start))
			}
			calls.WithLabelValues(service, method, strconv.Itoa(int(code))).Inc()
			seconds.WithLabelValues(service, method).Observe(time.Since(start).Seconds())
			return err
		}
	}
}
