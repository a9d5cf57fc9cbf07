package handler

import (
	"context"
	"net/http"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/common/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/telemetry"
)

// System answers what is not for the mobile client.
type System struct {
	tel *telemetry.Telemetry
	// needed must be ready for the gateway to be; wanted is only reported, as the client can do without.
	needed, wanted []telemetry.Check
	metrics        app.HandlerFunc
}

// NewSystem makes a System that reports needed and wanted parts.
func NewSystem(tel *telemetry.Telemetry, needed, wanted []telemetry.Check) *System {
	h := promhttp.HandlerFor(tel.Registry, promhttp.HandlerOpts{})
	return &System{tel: tel, needed: needed, wanted: wanted, metrics: adaptor.HertzHandler(h)}
}

// Health says that the process is alive.
func (s *System) Health(_ context.Context, c *app.RequestContext) {
	c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// Ready reports the parts by name; 503 when a needed one is not ready.
func (s *System) Ready(ctx context.Context, c *app.RequestContext) {
	all := append(append([]telemetry.Check(nil), s.needed...), s.wanted...)
	report, _ := telemetry.Report(ctx, all)
	status := http.StatusOK
	for _, n := range s.needed { // Report's own verdict is about wanted ones too
		if report[n.Name] != "ok" {
			status = http.StatusServiceUnavailable
		}
	}
	c.JSON(status, report)
}

// Metrics answers Prometheus, and only on this machine: numbers of users and traffic are nobody else's business.
func (s *System) Metrics(ctx context.Context, c *app.RequestContext) {
	if !call.Of(c).Addr.IsLoopback() {
		c.String(http.StatusForbidden, "only for this machine")
		return
	}
	s.metrics(ctx, c)
}

// Index tells a person who opens the address in a browser what it is.
func (s *System) Index(_ context.Context, c *app.RequestContext) {
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(`<!doctype html><meta charset="utf-8"><title>tiktok</title>
<h1>tiktok</h1><p>The backend of a short-video app. Point the mobile client at this address.</p>
<ul><li><a href="/douyin/feed/">feed</a></li><li><a href="/healthz">health</a></li><li><a href="/readyz">readiness</a></li></ul>
`))
}
