package queue

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

// The traces of a batch's events cross the broker, whichever of them were recorded; what others wrote there does no harm.
func TestTracesTravelWithBatches(t *testing.T) {
	cfg := tracing.Config{Endpoint: "http://127.0.0.1:1", SampleRatio: 1}
	traces, err := tracing.Open(cfg, "test", "", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ref := func() tracing.Ref {
		_, span := traces.Request(t.Context(), "", false, "request")
		return span.Ref()
	}
	if h := setTraces(nil, make([]tracing.Ref, 2)); h != nil {
		t.Errorf("nothing is recorded, and the headers are %v", h)
	}
	one := ref()
	h := setTraces(amqp.Table{headerReason: "why"}, []tracing.Ref{one})
	if h[headerReason] != "why" || h[headerTrace] != one.String() || tracesOf(h)[0].String() != one.String() {
		t.Errorf("%v is read as %v", h, tracesOf(h))
	}
	many := make([]tracing.Ref, 200)
	for i := range many {
		if i%2 == 1 {
			many[i] = ref()
		}
	}
	h = setTraces(nil, many)
	got := tracesOf(h)
	if len(got) != maxTraces || h.Validate() != nil {
		t.Errorf("%d of 100 traces, %v", len(got), h.Validate())
	}
	for i, r := range got {
		if r.String() != many[i].String() {
			t.Errorf("event %d: %v, want %v", i, r, many[i])
		}
	}
	for _, bad := range []any{nil, "", "x", "0=", "=00-", strings.Repeat("1=00-zz,", 10_000), 7} {
		for _, key := range []string{headerTrace, headerTraces} {
			for i, r := range tracesOf(amqp.Table{key: bad}) {
				if !r.IsZero() {
					t.Errorf("%.20q: event %d has %v", bad, i, r)
				}
			}
		}
	}
}
