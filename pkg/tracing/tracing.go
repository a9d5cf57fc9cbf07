// Package tracing records what a request does, in all processes that work for it, as an OpenTelemetry trace, and sends a
// sample of the traces to a collector. It is the only home of OpenTelemetry.
//
// Nothing of it is global. What receives a request holds a *Traces (nil: traces are off); code below it finds the span in the
// context, if the request is recorded. If not, Start costs one context lookup.
package tracing

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	scope = "tiktok"
	// header is W3C's, in HTTP, RPC and messages.
	header = "traceparent"
	// maxText bounds an attribute's text in characters, maxAttributes and maxLinks their number in a span.
	maxText       = 300
	maxAttributes = 16
	maxLinks      = 128
)

// Config says where traces go and which.
type Config struct {
	// Endpoint is the collector's URL for OTLP over HTTP, e.g. http://127.0.0.1:4318. Empty: no traces.
	Endpoint string
	// SampleRatio is the part of requests that is recorded, 0 to 1.
	SampleRatio float64
	// SampleParent lets a caller's traceparent decide instead, when there is one.
	SampleParent bool
}

// Kind is the role of a span.
type Kind = trace.SpanKind

// Roles of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Traces makes the spans of one service. All methods may be called on nil, which is off. It is safe for concurrent use.
type Traces struct {
	*pipeline
	tracer trace.Tracer
}

// pipeline is what the services of a process share.
type pipeline struct {
	cfg       Config
	version   string
	processor sdk.SpanProcessor
	log       *slog.Logger

	mu   sync.Mutex
	made map[string]*Traces
}

// Open returns the traces of a process, nil without an endpoint. It does not connect: while the collector is away there is a
// log line a minute, and spans are dropped once the bounded buffer is full; no request ever waits.
// reg gets tiktok_trace_spans_total. Shutdown sends what is left.
func Open(cfg Config, service, version string, log *slog.Logger, reg prometheus.Registerer) (*Traces, error) {
	if cfg.Endpoint == "" {
		return nil, nil //nolint:nilnil // nil is off
	}
	processor, err := newProcessor(cfg.Endpoint, log, reg)
	if err != nil {
		return nil, err
	}
	p := &pipeline{cfg: cfg, version: version, processor: processor, log: log, made: map[string]*Traces{}}
	return p.traces(service), nil
}

// For returns the traces of another service in this process: its spans have that service's name.
func (t *Traces) For(service string) *Traces {
	if t == nil {
		return nil
	}
	return t.traces(service)
}

func (p *pipeline) traces(service string) *Traces {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.made[service]; t != nil {
		return t
	}
	host, _ := os.Hostname() // empty is as good
	provider := sdk.NewTracerProvider(
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", service), attribute.String("service.namespace", scope),
			attribute.String("service.version", p.version), attribute.String("service.instance.id", host+":"+strconv.Itoa(os.Getpid())),
		)),
		// Whether a trace begins is decided before; what belongs to one is recorded.
		sdk.WithSampler(sdk.ParentBased(sdk.AlwaysSample())),
		sdk.WithRawSpanLimits(sdk.SpanLimits{
			AttributeValueLengthLimit: maxText, AttributeValueDepthLimit: 1, AttributeCountLimit: maxAttributes,
			EventCountLimit: 0, LinkCountLimit: maxLinks, AttributePerEventCountLimit: 0, AttributePerLinkCountLimit: 0,
		}),
		sdk.WithSpanProcessor(p.processor),
	)
	t := &Traces{pipeline: p, tracer: provider.Tracer(scope)}
	p.made[service] = t
	return t
}

// Shutdown sends the spans that are left, until ctx ends. Spans that end later are dropped.
func (t *Traces) Shutdown(ctx context.Context) {
	if t == nil {
		return
	}
	if err := t.processor.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not delivered", "err", err)
	}
}

// Request begins the trace of a request from outside, or its part in the trace that traceparent, a W3C header or "", names.
// skip is for requests that nobody wants to see. From here on the context has a trace id, whether the trace is recorded or
// not. name must be one of few.
func (t *Traces) Request(ctx context.Context, traceparent string, skip bool, name string) (context.Context, Span) {
	var parent trace.SpanContext
	if traceparent != "" {
		parent = trace.SpanContextFromContext(Take(context.Background(), map[string]string{header: traceparent}))
	}
	sampled := t.draw()
	if t.cfg.SampleParent && parent.IsValid() {
		sampled = parent.IsSampled()
	}
	if skip || !sampled {
		if !parent.IsValid() {
			parent = fresh()
		}
		return trace.ContextWithSpanContext(ctx, parent.WithTraceFlags(parent.TraceFlags()&^trace.FlagsSampled)), Span{}
	}
	if parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceFlags(parent.TraceFlags()|trace.FlagsSampled))
	}
	return start(ctx, t.tracer, Server, name)
}

// Begin begins a trace of work that no request waits for, or, if the draw is against it or traces are off, nothing.
// because is what has caused the work; it is linked when it is recorded.
func (t *Traces) Begin(ctx context.Context, name string, because Ref) (context.Context, Span) {
	if t == nil || !because.sc.IsSampled() && !t.draw() {
		return ctx, Span{}
	}
	var opts []trace.SpanStartOption
	if because.sc.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: because.sc}))
	}
	return start(trace.ContextWithSpanContext(ctx, trace.SpanContext{}), t.tracer, Internal, name, opts...)
}

// Start begins a span of this service in the recorded trace that ctx belongs to, of this process or another.
func (t *Traces) Start(ctx context.Context, kind Kind, name string) (context.Context, Span) {
	if t == nil || !On(ctx) {
		return ctx, Span{}
	}
	return start(ctx, t.tracer, kind, name)
}

func (t *Traces) draw() bool { return t.cfg.SampleRatio >= 1 || rand.Float64() < t.cfg.SampleRatio } //nolint:gosec // no secret

// fresh is the identity of a trace that is not recorded.
func fresh() trace.SpanContext {
	var c trace.SpanContextConfig
	binary.BigEndian.PutUint64(c.TraceID[:8], rand.Uint64()) //nolint:gosec // an identity, no secret
	binary.BigEndian.PutUint64(c.TraceID[8:], rand.Uint64()|1)
	binary.BigEndian.PutUint64(c.SpanID[:], rand.Uint64()|1) //nolint:gosec // an identity, no secret
	return trace.NewSpanContext(c)
}

// On reports whether ctx belongs to a trace that is recorded. Ask it before anything is worked out for a span.
func On(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsSampled() }

// ID is the id of the trace that ctx belongs to, 32 hexadecimal digits, recorded or not; empty without one.
func ID(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.HasTraceID() {
		return ""
	}
	return sc.TraceID().String()
}

// Start begins a span of whichever service's span ctx holds. Without a recorded one it does nothing.
func Start(ctx context.Context, kind Kind, name string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	return start(ctx, parent.TracerProvider().Tracer(scope), kind, name)
}

// Since is Start for what began at that time.
func Since(ctx context.Context, begin time.Time, kind Kind, name string) Span {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return Span{}
	}
	_, s := start(ctx, parent.TracerProvider().Tracer(scope), kind, name, trace.WithTimestamp(begin))
	return s
}

func start(ctx context.Context, t trace.Tracer, kind Kind, name string, opts ...trace.SpanStartOption) (context.Context, Span) {
	ctx, s := t.Start(ctx, name, append(opts, trace.WithSpanKind(kind))...)
	return ctx, Span{s}
}

// Span is one piece of work in a trace. The zero value is one that is not recorded. What is noted in a span leaves the
// process: never a token, a password, a text that a person wrote, or an error's text.
type Span struct{ span trace.Span }

// On reports whether the span is recorded.
func (s Span) On() bool { return s.span != nil }

// Text notes a text of few characters.
func (s Span) Text(key, value string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Int notes a number.
func (s Span) Int(key string, value int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Fail marks the span as failed. kind is one of few names.
func (s Span) Fail(kind string) {
	if s.span != nil {
		s.span.SetStatus(codes.Error, "")
		s.span.SetAttributes(attribute.String("error.type", kind))
	}
}

// End ends the span. Call it once.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}
