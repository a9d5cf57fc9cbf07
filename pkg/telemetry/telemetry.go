// Package telemetry is what a process says about itself: logs, metrics, traces, and whether it is alive and ready.
package telemetry

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tiktok/pkg/logx"
	"tiktok/pkg/tracing"
)

// Config says where and how a process reports.
type Config struct {
	// AdminAddr is the private address of /metrics, /healthz, /readyz, /loglevel and /debug/pprof/. Empty: the process's
	// default, and for the gateway its public address, where /metrics then answers to this machine only.
	AdminAddr string `mapstructure:"admin_addr"`
	// LogLevel is debug, info, warn or error: where Level starts.
	LogLevel string `mapstructure:"log_level"`
	// LogFormat is text or json.
	LogFormat string `mapstructure:"log_format"`
	// OTLPEndpoint is the URL to which traces go, OTLP over HTTP, e.g. http://127.0.0.1:4318. Empty: there are no traces.
	OTLPEndpoint string `mapstructure:"otlp_endpoint"`
	// SampleRatio is the part of requests whose trace is recorded, 0 to 1. It counts where a trace begins: at the gateway.
	SampleRatio float64 `mapstructure:"sample_ratio"`
	// SampleParent lets the traceparent header of a client decide whether its request is recorded. Without it only the
	// trace id is taken from there. Anybody can send that header: it is for gateways behind a proxy that sets it.
	SampleParent bool `mapstructure:"sample_parent"`
}

// Telemetry is the logger, the metrics registry and the traces of a process.
type Telemetry struct {
	// Program is the name of what runs.
	Program string
	Log     *slog.Logger
	// Level is the least level that Log writes. It may be set at any time.
	Level    *slog.LevelVar
	Registry *prometheus.Registry
	// Traces is nil when there are none.
	Traces *tracing.Traces
}

// New makes the telemetry of one process. Log lines go to w and name the service.
func New(cfg Config, service string, w io.Writer) (*Telemetry, error) {
	start, err := logx.ParseLevel(cfg.LogLevel)
	if err != nil {
		return nil, err
	}
	level := new(slog.LevelVar)
	level.Set(start)
	log, err := logx.New(w, level, cfg.LogFormat)
	if err != nil {
		return nil, err
	}
	log = log.With("service", service)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(service))
	version, _ := Version()
	traces, err := tracing.Open(tracing.Config{
		Endpoint: cfg.OTLPEndpoint, SampleRatio: cfg.SampleRatio, SampleParent: cfg.SampleParent,
	}, service, version, log, reg)
	if err != nil {
		return nil, err
	}
	return &Telemetry{Program: service, Log: log, Level: level, Registry: reg, Traces: traces}, nil
}

// Sampled returns a rate-limited logger for events that clients can cause: see logx.Sample. Dropped records count in
// tiktok_log_suppressed_total.
func (t *Telemetry) Sampled() *slog.Logger {
	suppressed := Register(t.Registry, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tiktok_log_suppressed_total", Help: "Log lines that were not written because there were too many of their kind.",
	}))
	return logx.Sample(t.Log, suppressed.Inc)
}

// flushTimeout bounds Close.
const flushTimeout = 3 * time.Second

// Close sends the traces that are left, for at most three seconds. Logs and counters go on.
func (t *Telemetry) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	t.Traces.Shutdown(ctx)
}

// version and revision are set by the linker (-X) where the build has no repository to ask: in an image.
var version, revision string //nolint:gochecknoglobals // the linker can set nothing else

// Version is the version and the commit of this program, "unknown" where the build does not say.
func Version() (v, commit string) {
	v, commit = "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	return cmp.Or(version, v), cmp.Or(revision, commit)
}

// buildInfo says what runs: 1, with the version and the commit in the labels.
func buildInfo(service string) prometheus.Collector {
	version, revision := Version()
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_build_info", Help: "Always 1; the labels say which program of which version and commit runs.",
		ConstLabels: prometheus.Labels{"program": service, "version": version, "revision": revision, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}

// Discard is for tests: nothing is printed, and nothing else counts in the registry.
func Discard() *Telemetry {
	return &Telemetry{Log: slog.New(slog.DiscardHandler), Level: new(slog.LevelVar), Registry: prometheus.NewRegistry()}
}
