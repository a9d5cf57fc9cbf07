package queue

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

// The traces of a parcel's events cross the broker, whichever of them were recorded; what others wrote there does no harm.
func TestTracesTravelWithParcels(t *testing.T) {
	traces, err := tracing.Open(tracing.Config{Endpoint: "http://127.0.0.1:1", SampleRatio: 1}, "test", "", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ref := func() tracing.Ref {
		_, span := traces.Request(t.Context(), "", false, "request")
		return span.Ref()
	}
	if h := setTraces(nil, []*letter{{}, {}}); h != nil {
		t.Errorf("nothing is recorded, and the headers are %v", h)
	}
	one := &letter{trace: ref()}
	h := setTraces(amqp.Table{headerReason: "why"}, []*letter{one})
	if h[headerReason] != "why" || h[headerTrace] != one.trace.String() || tracesOf(h)[0].String() != one.trace.String() {
		t.Errorf("%v is read as %v", h, tracesOf(h))
	}
	many := make([]*letter, 200)
	for i := range many {
		many[i] = &letter{}
		if i%2 == 1 {
			many[i].trace = ref()
		}
	}
	h = setTraces(nil, many)
	got := tracesOf(h)
	if len(got) != maxTraces || h.Validate() != nil {
		t.Errorf("%d of 100 traces, %v", len(got), h.Validate())
	}
	for i, r := range got {
		if r.String() != many[i].trace.String() {
			t.Errorf("event %d: %v, want %v", i, r, many[i].trace)
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
