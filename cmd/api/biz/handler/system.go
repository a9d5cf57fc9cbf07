package handler

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/common/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/pkg/telemetry"
)

// System answers what is not for the mobile client.
type System struct {
	tel *telemetry.Telemetry
	// needed must be ready for the gateway to be ready; wanted is only reported.
	needed, wanted []telemetry.Check
	limit          middleware.Limit
	metrics        app.HandlerFunc

	mu    sync.Mutex
	ready readiness // guarded by mu
}

// readiness is what the parts said at a moment.
type readiness struct {
	at     time.Time
	status int
	// report is for this machine, public for all others: without the details of parts.
	report, public map[string]string
}

// readyFor is how long a report is reused: however many clients ask, the parts are checked once in that time.
const readyFor = time.Second

// NewSystem makes a System that reports needed and wanted parts. limit holds for clients on other machines, by address.
func NewSystem(tel *telemetry.Telemetry, limit middleware.Limit, needed, wanted []telemetry.Check) *System {
	h := promhttp.HandlerFor(tel.Registry, promhttp.HandlerOpts{})
	return &System{tel: tel, limit: limit, needed: needed, wanted: wanted, metrics: adaptor.HertzHandler(h)}
}

// Health says that the process is alive.
func (s *System) Health(_ context.Context, c *app.RequestContext) {
	c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// Ready reports the parts by name; 503 when a needed one is not ready. Clients on other machines get no details.
func (s *System) Ready(ctx context.Context, c *app.RequestContext) {
	in := call.Of(c)
	local := in.Local()
	if !local {
		if err := s.limit.AllowAddr(ctx, in); err != nil {
			c.String(http.StatusTooManyRequests, "too many requests")
			return
		}
	}
	r := s.check(ctx)
	if local {
		c.JSON(r.status, r.report)
		return
	}
	c.JSON(r.status, r.public)
}

// check checks the parts, unless that was done just now. Concurrent requests wait for the same result, which takes two seconds at
// most.
func (s *System) check(ctx context.Context) readiness {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.ready.at) < readyFor {
		return s.ready
	}
	all := append(append([]telemetry.Check(nil), s.needed...), s.wanted...)
	report, _ := telemetry.Report(ctx, all)
	status := http.StatusOK
	for _, n := range s.needed { // Report's own verdict is about wanted ones too
		if report[n.Name] != "ok" {
			status = http.StatusServiceUnavailable
		}
	}
	public := maps.Clone(report)
	for _, part := range all {
		if part.Info != nil {
			delete(public, part.Name)
		}
	}
	s.ready = readiness{at: time.Now(), status: status, report: report, public: public}
	return s.ready
}

// Metrics answers Prometheus, and only on this machine: the numbers of users and of traffic are not public.
func (s *System) Metrics(ctx context.Context, c *app.RequestContext) {
	if !call.Of(c).Local() {
		c.String(http.StatusForbidden, "only for this machine")
		return
	}
	s.metrics(ctx, c)
}
