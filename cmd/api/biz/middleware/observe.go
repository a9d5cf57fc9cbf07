package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
)

// route is the route of a request for logs and metrics: one name per endpoint, for all its paths.
func route(c *app.RequestContext) string {
	if p := c.FullPath(); p != "" && p != "/" {
		return strings.TrimSuffix(p, "/")
	} else if p == "/" {
		return p
	}
	return "unmatched"
}

// maxErr bounds the text of an error in the log: a store's may quote what a client sent.
const maxErr = 1 << 10

// AccessLog writes one line per request, without query, bodies and headers, which have tokens, passwords and messages. It also logs
// errors that are our fault, with the chain that the client does not get. Lines that anybody can cause without end go to
// sampled: requests that are refused, over a limit, or for what does not exist.
func AccessLog(log, sampled *slog.Logger) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		start := time.Now()
		c.Next(ctx)
		in := call.Of(c)
		level := slog.LevelInfo
		attrs := []slog.Attr{
			slog.String("method", method(c)),
			slog.String("route", route(c)),
			slog.Int("http", c.Response.StatusCode()),
			slog.Int("code", int(in.Code)),
			slog.Int("bytes", size(c)),
			slog.Duration("took", time.Since(start).Round(time.Microsecond)),
			slog.Int64("user_id", in.Viewer),
			slog.String("addr", in.Addr.String()),
		}
		if in.Err != nil && (in.Code == errno.Internal.Code || in.Code == errno.Unavailable.Code || in.Code == errno.OutcomeUnknown.Code) {
			level = slog.LevelError
			attrs = append(attrs, slog.String("err", logx.Cut(in.Err.Error(), maxErr)))
		}
		switch {
		case in.Refused != nil:
			sampled.LogAttrs(ctx, level, "request refused", append(attrs, slog.String("refused", in.Refused.Kind))...)
		case in.Code == errno.TooManyRequests.Code || c.Response.StatusCode() == http.StatusTooManyRequests:
			sampled.LogAttrs(ctx, level, "request over a limit", attrs...)
		case c.Response.StatusCode() == http.StatusNotFound || in.Code == errno.NotFound.Code || in.Code == errno.MethodNotAllowed.Code:
			sampled.LogAttrs(ctx, level, "request for nothing", attrs...)
		default:
			log.LogAttrs(ctx, level, "request", attrs...)
		}
	}
}

// method is the request's method for logs and traces: a client may send any word.
func method(c *app.RequestContext) string {
	switch m := string(c.Method()); m {
	case "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH":
		return m
	}
	return "other"
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
		Name: "tiktok_http_requests_total",
		Help: "Requests answered, by route and status code: that of package errno under /douyin and /api/v1, else the HTTP status.",
	}, []string{"route", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tiktok_http_duration_seconds",
		Help:    "Time to answer a request, by route; without the transfer of the response, and without event streams.",
		Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 3, 10, 60},
	}, []string{"route"})
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_http_refused_total", Help: "Requests refused before they were parsed, by what was wrong with them.",
	}, []string{"kind"})
	busy := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tiktok_http_requests_in_flight", Help: "Requests being answered now, without event streams.",
	})
	active := newActiveUsers(time.Now)
	users := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_active_users",
		Help: "Different users who sent this gateway a request in the last five minutes, within 1 %. Visitors are not counted.",
	}, active.estimate)
	reg.MustRegister(requests, seconds, refused, busy, users)
	m := &meter{requests: requests, busy: busy, active: active}
	return func(ctx context.Context, c *app.RequestContext) {
		start := time.Now()
		in := call.Of(c)
		in.Meter = m
		busy.Inc()
		c.Next(ctx)
		if in.Streams {
			return // it was counted when it began
		}
		busy.Dec()
		if why := in.Refused; why != nil {
			refused.WithLabelValues(why.Kind).Inc()
		}
		m.count(c)
		seconds.WithLabelValues(route(c)).Observe(time.Since(start).Seconds())
	}
}

// meter counts requests. It is a call.Meter.
type meter struct {
	requests *prometheus.CounterVec
	busy     prometheus.Gauge
	active   *activeUsers
}

func (m *meter) count(c *app.RequestContext) {
	in, code := call.Of(c), c.Response.StatusCode()
	if in.Viewer > 0 {
		m.active.seen(in.Viewer)
	}
	if in.Surface != call.NoAPI {
		code = int(in.Code)
	}
	m.requests.WithLabelValues(route(c), strconv.Itoa(code)).Inc()
}

// Began implements call.Meter. How long a stream lasts says nothing about this gateway, so it is not timed.
func (m *meter) Began(c *app.RequestContext) {
	m.busy.Dec()
	m.count(c)
}

// Stream lets an answer that goes on begin, and returns at its end.
func Stream(ctx context.Context, c *app.RequestContext, s call.Stream) {
	in := call.Of(c)
	in.Streams = true
	if in.Meter != nil {
		in.Meter.Began(c)
	}
	s.Serve(context.WithoutCancel(ctx), in)
}
