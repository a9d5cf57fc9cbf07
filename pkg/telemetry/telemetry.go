// Package telemetry is what a process says about itself: logs, metrics, and whether it is alive and ready.
package telemetry

import (
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tiktok/pkg/logx"
)

// Config says where and how a process reports.
type Config struct {
	// AdminAddr is the private address of /metrics, /healthz, /readyz and /debug/pprof/. Empty: the process's default, and for the
	// gateway its public address, where /metrics then answers to this machine only.
	AdminAddr string `mapstructure:"admin_addr"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `mapstructure:"log_level"`
	// LogFormat is text or json.
	LogFormat string `mapstructure:"log_format"`
}

// Telemetry is handed to everything that logs or counts.
type Telemetry struct {
	Log      *slog.Logger
	Registry *prometheus.Registry
}

// New makes the telemetry of one process. Log lines go to w and name the service.
func New(cfg Config, service string, w io.Writer) (*Telemetry, error) {
	log, err := logx.New(w, cfg.LogLevel, cfg.LogFormat)
	if err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector())
	return &Telemetry{Log: log.With("service", service), Registry: reg}, nil
}

// Discard is for tests: nothing is printed, and nothing else counts in the registry.
func Discard() *Telemetry {
	return &Telemetry{Log: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()}
}
