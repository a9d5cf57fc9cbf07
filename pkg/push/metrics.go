package push

import (
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

type metrics struct {
	published, failed, delivered, dropped prometheus.Counter
	subscriptions                         prometheus.Gauge
}

func newMetrics(tel *telemetry.Telemetry) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return telemetry.Register(tel.Registry, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
	}
	return &metrics{
		published: counter("tiktok_push_published_total", "Hints sent to the streams of users, whether anybody has one or not."),
		failed:    counter("tiktok_push_failures_total", "Hints that could not be sent. Pages find what they tell by reading."),
		delivered: counter("tiktok_push_delivered_total", "Hints handed to a stream of this process."),
		dropped:   counter("tiktok_push_dropped_total", "Hints that a stream of this process was too slow for."),
		subscriptions: telemetry.Register(tel.Registry, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tiktok_push_subscriptions", Help: "Streams of this process that hints are delivered to.",
		})),
	}
}

// watchLinks tells whether all channels that this process needs are subscribed to.
func watchLinks(tel *telemetry.Telemetry, missing func() int) {
	telemetry.Register(tel.Registry, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_push_channels_missing",
		Help: "Channels of hints that streams of this process need and that Redis has not confirmed. Their hints do not come.",
	}, func() float64 { return float64(missing()) }))
}
