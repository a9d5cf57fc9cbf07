package queue

import (
	"context"
	"errors"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

// What travels with a parcel of events from recorded requests.
const (
	// headerTrace is the W3C trace context of a parcel with one event.
	headerTrace = "traceparent"
	// headerTraces is that of a larger one: "index=traceparent", separated by commas.
	headerTraces = "x-tiktok-traceparents"
	// maxTraces bounds how many events of a parcel keep their trace.
	maxTraces = 64
)

// WithTraces makes spans of Publish and of the writer's batches, for requests that are recorded. Nil is fine.
func WithTraces(t *tracing.Traces) Option { return func(o *options) { o.traces = t } }

// traced is Queue with a span for each Publish of a recorded request.
type traced[T any] struct {
	Queue[T]
	name string
}

// Publish implements Queue.
func (q traced[T]) Publish(ctx context.Context, msg T) (bool, error) {
	if !tracing.On(ctx) {
		return q.Queue.Publish(ctx, msg)
	}
	ctx, span := tracing.Start(ctx, tracing.Producer, "publish "+q.name)
	defer span.End()
	span.Text("messaging.destination.name", q.name)
	applied, err := q.Queue.Publish(ctx, msg)
	switch {
	case err != nil:
		span.Fail(failure(err))
	case applied:
		span.Text("tiktok.outcome", resultApplied)
	default:
		span.Text("tiktok.outcome", resultAccepted)
	}
	return applied, err
}

// failure names an error for a span.
func failure(err error) string {
	switch {
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, ErrClosed):
		return "closed"
	case errors.Is(err, ErrPoison):
		return "poison"
	}
	return "other"
}

// writer calls apply in a span that is linked to those of the publishers.
type writer struct {
	traces *tracing.Traces
	name   string
}

func (w writer) call(ctx context.Context, n int, causes []tracing.Ref, apply func(context.Context) error) error {
	return w.traces.Batch(ctx, "write "+w.name, n, causes, failure, apply)
}

// setTraces puts the traces of letters into a parcel's headers, which may be nil.
func setTraces(h amqp.Table, letters []*letter) amqp.Table {
	var list []string
	for i, l := range letters {
		if !l.trace.IsZero() && len(list) < maxTraces {
			list = append(list, strconv.Itoa(i)+"="+l.trace.String())
		}
	}
	if len(list) == 0 {
		return h
	}
	if h == nil {
		h = amqp.Table{}
	}
	if len(letters) == 1 {
		h[headerTrace] = letters[0].trace.String()
	} else {
		h[headerTraces] = strings.Join(list, ",")
	}
	return h
}

// tracesOf reads what setTraces has written, by the event's index.
func tracesOf(h amqp.Table) map[int]tracing.Ref {
	if one, ok := h[headerTrace].(string); ok {
		return map[int]tracing.Ref{0: tracing.ParseRef(one)}
	}
	text, ok := h[headerTraces].(string)
	if !ok {
		return nil
	}
	out := make(map[int]tracing.Ref)
	for entry := range strings.SplitSeq(text, ",") {
		index, trace, _ := strings.Cut(entry, "=")
		if i, err := strconv.Atoi(index); err == nil && len(out) < maxTraces {
			out[i] = tracing.ParseRef(trace)
		}
	}
	return out
}
