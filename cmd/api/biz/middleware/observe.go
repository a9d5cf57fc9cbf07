package middleware

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
)

// Route is the route of a request as logs and metrics name it: one name per endpoint, however many paths lead to it.
func Route(c *app.RequestContext) string {
	if p := c.FullPath(); p != "" && p != "/" {
		return strings.TrimSuffix(p, "/")
	} else if p == "/" {
		return p
	}
	return "unmatched"
}

// AccessLog writes one line per request. Query, bodies and headers stay out of it: they hold tokens, passwords and
// messages. It is also where an error that is our fault is logged, with the chain that the client does not get.
func AccessLog(log *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		start := time.Now()
		c.Next(ctx)
		in := call.Of(c)
		level := slog.LevelInfo
		attrs := []slog.Attr{
			slog.String("method", string(c.Method())),
			slog.String("route", Route(c)),
			slog.Int("http", c.Response.StatusCode()),
			slog.Int("code", int(in.Code)),
			slog.Int("bytes", size(c)),
			slog.Duration("took", time.Since(start).Round(time.Microsecond)),
			slog.Int64("user_id", in.Viewer),
			slog.String("addr", in.Addr.String()),
		}
		if in.Err != nil && (in.Code == errno.Internal.Code || in.Code == errno.Unavailable.Code) {
			level = slog.LevelError
			attrs = append(attrs, slog.String("err", in.Err.Error()))
		}
		log.LogAttrs(ctx, level, "request", attrs...)
	}
}

// size is the length of the response's body, -1 when it is not known beforehand.
func size(c *app.RequestContext) int {
	if c.Response.IsBodyStream() {
		return c.Response.Header.ContentLength()
	}
	return len(c.Response.BodyBytes())
}

// Metrics counts and times requests.
func Metrics(reg prometheus.Registerer) app.HandlerFunc {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_http_requests_total", Help: "Requests answered, by route and status code: that of the envelope under /douyin, else the HTTP status.",
	}, []string{"route", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tiktok_http_duration_seconds", Help: "Time to answer a request, by route; without the transfer of the response.",
		Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 3, 10, 60},
	}, []string{"route"})
	busy := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tiktok_http_requests_in_flight", Help: "Requests being answered now."})
	active := newActiveUsers(time.Now)
	users := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_active_users", Help: "Different users who asked this gateway for something in the last five minutes, within 1 %. Visitors are not counted.",
	}, active.estimate)
	reg.MustRegister(requests, seconds, busy, users)
	return func(ctx context.Context, c *app.RequestContext) {
		start := time.Now()
		busy.Inc()
		defer busy.Dec()
		c.Next(ctx)
		if viewer := call.Of(c).Viewer; viewer > 0 {
			active.seen(viewer)
		}
		route, code := Route(c), c.Response.StatusCode()
		if isAPI(c) {
			code = int(call.Of(c).Code)
		}
		requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
		seconds.WithLabelValues(route).Observe(time.Since(start).Seconds())
	}
}
