package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// queueSize bounds the spans that wait, batchSize those of one request to the collector.
	queueSize = 4096
	batchSize = 512
	// sendEvery is how long a span waits at most while the collector is well.
	sendEvery = time.Second
	// exportTimeout bounds one batch, its repetitions included.
	exportTimeout = 5 * time.Second
	// idleTimeout is how long a connection to the collector stays open without spans.
	idleTimeout = time.Minute
	// reportEvery bounds the lines about a collector that is away.
	reportEvery = time.Minute
)

// CheckEndpoint says what is wrong with an endpoint that is not empty.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("traces: the endpoint is not http(s)://host:port") // without the URL, which may hold a password
	}
	return nil
}

//nolint:contextcheck // making it neither waits nor connects, and it outlives the start
func newProcessor(endpoint string, log *slog.Logger, reg prometheus.Registerer) (sdk.SpanProcessor, error) {
	if err := CheckEndpoint(endpoint); err != nil {
		return nil, err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	// The library's own would be shared by all that send traces from this process.
	conns := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: idleTimeout}
	opts := []otlptracehttp.Option{
		otlptracehttp.WithHTTPClient(&http.Client{Transport: conns, Timeout: exportTimeout}),
		otlptracehttp.WithEndpointURL(u.String()),
		otlptracehttp.WithTimeout(exportTimeout),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: exportTimeout,
		}),
	}
	client, err := otlptracehttp.New(context.Background(), opts...) // does not connect
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	spans := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_trace_spans_total",
		Help: "Spans of recorded traces: made, then sent to the collector or failed to be. The rest waits or was dropped.",
	}, []string{"result"})
	if err := reg.Register(spans); err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	e := &exporter{SpanExporter: client, conns: conns, log: log, sent: spans.WithLabelValues("sent"), failed: spans.WithLabelValues("failed")}
	queue := sdk.NewBatchSpanProcessor(e, sdk.WithMaxQueueSize(queueSize), sdk.WithMaxExportBatchSize(batchSize),
		sdk.WithBatchTimeout(sendEvery), sdk.WithExportTimeout(exportTimeout))
	return counted{SpanProcessor: queue, made: spans.WithLabelValues("made")}, nil
}

// counted counts spans on their way into the queue.
type counted struct {
	sdk.SpanProcessor
	made prometheus.Counter
}

// OnEnd implements sdk.SpanProcessor.
func (c counted) OnEnd(s sdk.ReadOnlySpan) {
	c.made.Inc()
	c.SpanProcessor.OnEnd(s)
}

// exporter counts what became of spans, and reports failures here: the library would tell a global handler.
type exporter struct {
	sdk.SpanExporter
	conns        *http.Transport
	log          *slog.Logger
	sent, failed prometheus.Counter
	reported     time.Time // used by the one goroutine that exports
}

// ExportSpans implements sdk.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && ctx.Err() == nil {
		err = e.SpanExporter.ExportSpans(ctx, spans) // a collector that was started again has closed the connection
	}
	if err == nil {
		e.sent.Add(float64(len(spans)))
		return nil
	}
	e.failed.Add(float64(len(spans)))
	if now := time.Now(); now.Sub(e.reported) >= reportEvery {
		e.reported = now
		e.log.Warn("traces are not delivered", "spans", len(spans), "err", err)
	}
	return nil
}

// Shutdown implements sdk.SpanExporter.
func (e *exporter) Shutdown(ctx context.Context) error {
	defer e.conns.CloseIdleConnections()
	return e.SpanExporter.Shutdown(ctx)
}
