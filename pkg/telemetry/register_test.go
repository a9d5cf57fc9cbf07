package telemetry_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

func TestRegisterShares(t *testing.T) {
	counter := func(help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "things_total", Help: help}, []string{"kind"})
	}
	reg := prometheus.NewRegistry()
	first, second := counter("Things."), counter("Things.")
	if got := telemetry.Register(reg, first); got != first {
		t.Error("the first one is not kept")
	}
	if got := telemetry.Register(reg, second); got != first {
		t.Error("an equal one is not shared")
	}
	odd := counter("Another help.")
	if got := telemetry.Register(reg, odd); got != odd {
		t.Error("an unequal one is replaced")
	}
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "things_total", Help: "Things."}, []string{"kind"})
	if got := telemetry.Register(reg, gauge); got != gauge {
		t.Error("one of another type is replaced")
	}
	if got := telemetry.Register(nil, second); got != second {
		t.Error("without a registry it is not kept")
	}
}
