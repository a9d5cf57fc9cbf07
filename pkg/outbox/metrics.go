package outbox

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

// busMetrics are those of the consumers, of this process or, for the depth and the dead letters, of the broker.
type busMetrics struct {
	applied, failed, dead, redelivered *prometheus.CounterVec
	lag, depth, deadLetters            *prometheus.GaugeVec
}

// consumerMetrics are those of one consumer.
type consumerMetrics struct {
	applied, failed, dead, redelivered prometheus.Counter
	lag                                prometheus.Gauge
}

// deadLettersGauge is filled by relays, from tables, and by the bus, from the broker.
func deadLettersGauge(reg prometheus.Registerer) *prometheus.GaugeVec {
	return telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tiktok_outbox_dead_letters",
		Help: "Messages that a consumer gave up: in the schema of a service, or, outbox empty, in the broker.",
	}, []string{"outbox", "consumer"}))
}

func newBusMetrics(reg prometheus.Registerer) busMetrics {
	label := []string{"consumer"}
	counter := func(name, help string) *prometheus.CounterVec {
		return telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, label))
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, label))
	}
	return busMetrics{
		applied:     counter("tiktok_outbox_applied_total", "Messages that a consumer has applied."),
		failed:      counter("tiktok_outbox_apply_errors_total", "Batches of messages that a consumer could not apply."),
		dead:        counter("tiktok_outbox_given_up_total", "Messages that a consumer gave up."),
		redelivered: counter("tiktok_outbox_redelivered_total", "Messages that the broker delivered again."),
		lag:         gauge("tiktok_outbox_lag_seconds", "Age of the oldest message that a consumer has in hand; 0 without."),
		depth:       gauge("tiktok_outbox_depth", "Batches of messages in the broker that a consumer has not taken yet."),
		deadLetters: deadLettersGauge(reg),
	}
}

func (m busMetrics) consumer(name string) consumerMetrics {
	return consumerMetrics{
		applied: m.applied.WithLabelValues(name), failed: m.failed.WithLabelValues(name), dead: m.dead.WithLabelValues(name),
		redelivered: m.redelivered.WithLabelValues(name), lag: m.lag.WithLabelValues(name),
	}
}

// measured is what the broker says.
func (m busMetrics) measured(consumer string, depth, dead int, known bool) {
	if !known {
		m.depth.DeleteLabelValues(consumer)
		m.deadLetters.DeleteLabelValues("", consumer)
		return
	}
	m.depth.WithLabelValues(consumer).Set(float64(depth))
	m.deadLetters.WithLabelValues("", consumer).Set(float64(dead))
}

// began notes the age of what is about to be applied.
func (m consumerMetrics) began(messages []Message) {
	oldest := messages[0].AtMs
	for _, e := range messages {
		oldest = min(oldest, e.AtMs)
	}
	m.lag.Set(ageOf(oldest))
}

func (m consumerMetrics) ended(size int, err error) {
	if err != nil {
		m.failed.Inc()
		return
	}
	m.applied.Add(float64(size))
}

// idle notes that nothing is in hand.
func (m consumerMetrics) idle() { m.lag.Set(0) }

// ageOf is never negative: the clock of another machine may be ahead.
func ageOf(atMs int64) float64 { return max(0, time.Since(time.UnixMilli(atMs)).Seconds()) }

// relayMetrics are those of one service's outbox.
type relayMetrics struct {
	service                 string
	published               prometheus.Counter
	waiting, oldest, leader prometheus.Gauge
	dead                    *prometheus.GaugeVec
}

func newRelayMetrics(reg prometheus.Registerer, service string) relayMetrics {
	label := []string{"outbox"}
	gauge := func(name, help string) prometheus.Gauge {
		return telemetry.Register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, label)).WithLabelValues(service)
	}
	return relayMetrics{
		service: service,
		published: telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_outbox_published_total", Help: "Messages of a service that its relay here has handed to the bus.",
		}, label)).WithLabelValues(service),
		waiting: gauge("tiktok_outbox_waiting", "Messages in a service's outbox; 100000 stands for more."),
		oldest:  gauge("tiktok_outbox_oldest_seconds", "Age of the oldest message in a service's outbox; 0 without."),
		leader:  gauge("tiktok_outbox_leader", "1 while this process relays a service's outbox, else 0."),
		dead:    deadLettersGauge(reg),
	}
}
