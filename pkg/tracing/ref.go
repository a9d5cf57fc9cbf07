package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Put injects the trace context of ctx into the headers of a message to another process. Without a trace it writes nothing.
func Put(ctx context.Context, headers map[string]string) {
	propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(headers))
}

// Take extracts the trace context from the headers of a message of another process into ctx.
func Take(ctx context.Context, headers map[string]string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(headers))
}

// Ref names a recorded span. The zero value names none.
type Ref struct{ sc trace.SpanContext }

// RefOf names the span of ctx, if that is recorded.
func RefOf(ctx context.Context) Ref {
	if sc := trace.SpanContextFromContext(ctx); sc.IsSampled() {
		return Ref{sc}
	}
	return Ref{}
}

// Ref names the span.
func (s Span) Ref() Ref {
	if s.span == nil {
		return Ref{}
	}
	return Ref{s.span.SpanContext()}
}

// ParseRef reads what String has written. Anything else names no span.
//
//nolint:contextcheck // the context only carries what is parsed
func ParseRef(text string) Ref {
	if text == "" {
		return Ref{}
	}
	return RefOf(Take(context.Background(), map[string]string{header: text}))
}

// String is the W3C traceparent, empty for none.
func (r Ref) String() string {
	if !r.sc.IsValid() {
		return ""
	}
	headers := map[string]string{}
	Put(trace.ContextWithSpanContext(context.Background(), r.sc), headers)
	return headers[header]
}

// under makes the span that r names the parent of what is started with the context.
func (r Ref) under(ctx context.Context) context.Context {
	return trace.ContextWithRemoteSpanContext(ctx, r.sc)
}

// IsZero reports whether r names no span.
func (r Ref) IsZero() bool { return !r.sc.IsValid() }

// Batch calls do, the work of a batch of n items, of which some were caused by recorded spans, those of causes. The work has
// one span, in the trace of the first cause and linked to every cause, at most to the last 128; the spans that do starts are
// its children. Each further cause gets a span of the same duration in its own trace, linked to that one, so that each of
// these traces shows the end of the work. Without causes only do is called. failure names an error for the spans.
func (t *Traces) Batch(
	ctx context.Context, name string, n int, causes []Ref, failure func(error) string, do func(context.Context) error,
) error {
	if t == nil || len(causes) == 0 {
		return do(ctx)
	}
	links := make([]trace.Link, len(causes))
	for i, c := range causes {
		links[i].SpanContext = c.sc
	}
	begin := time.Now()
	wctx, whole := start(causes[0].under(ctx), t.tracer, Consumer, name, trace.WithTimestamp(begin), trace.WithLinks(links...))
	whole.Int("messaging.batch.message_count", n)
	end := func(s Span, err error) {
		if err != nil {
			s.Fail(failure(err))
		}
		s.End()
	}
	err := do(wctx)
	link := trace.WithLinks(trace.Link{SpanContext: whole.Ref().sc})
	for _, c := range causes[1:min(len(causes), maxLinks)] {
		_, s := start(c.under(ctx), t.tracer, Consumer, name, trace.WithTimestamp(begin), link)
		end(s, err)
	}
	end(whole, err)
	return err
}
