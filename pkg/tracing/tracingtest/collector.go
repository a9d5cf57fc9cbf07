// Package tracingtest receives traces in tests, as a collector does: OTLP over HTTP.
package tracingtest

import (
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span that was received.
type Span struct {
	Service, Name string
	// Kind is SERVER, CLIENT, PRODUCER, CONSUMER or INTERNAL.
	Kind string
	// Trace, ID and Parent are hexadecimal; Parent is empty for the first span of a trace.
	Trace, ID, Parent string
	// Links are the ids of the spans that it is linked to.
	Links      []string
	Attributes map[string]string
	Failed     bool
	Begin, End time.Time
	// Texts are all texts of the span that are neither its name nor attributes: of events, status and links.
	Texts []string
}

// Collector is a collector that keeps what it gets.
type Collector struct {
	srv *httptest.Server

	mu    sync.Mutex
	spans []Span
	bad   error
}

// New starts a collector on an address of loopback below the ephemeral ports, and stops it when the test ends.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	c.srv = httptest.NewUnstartedServer(c)
	if err := c.srv.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	c.srv.Listener = listen(t)
	c.srv.Start()
	t.Cleanup(func() {
		c.srv.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.bad != nil {
			t.Errorf("the collector got something else: %v", c.bad)
		}
	})
	return c
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	for range 100 {
		if ln, err := lc.Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000))); err == nil {
			return ln
		}
	}
	t.Fatal("no free port")
	return nil
}

// URL is the endpoint.
func (c *Collector) URL() string { return c.srv.URL }

// Spans are those received so far, by their begin.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(c.spans), func(a, b Span) int { return a.Begin.Compare(b.Begin) })
}

// Trace are the spans of one trace received so far.
func (c *Collector) Trace(id string) []Span {
	return slices.DeleteFunc(c.Spans(), func(s Span) bool { return s.Trace != id })
}

// ServeHTTP implements http.Handler.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	spans, err := read(r)
	c.mu.Lock()
	c.spans = append(c.spans, spans...)
	if err != nil && c.bad == nil {
		c.bad = err
	}
	c.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func read(r *http.Request) ([]Span, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
		return nil, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		body = z
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var req collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(raw, &req); err != nil {
		return nil, err
	}
	var spans []Span
	for _, rs := range req.GetResourceSpans() {
		service := attributes(rs.GetResource().GetAttributes())["service.name"]
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				spans = append(spans, spanOf(service, s))
			}
		}
	}
	return spans, nil
}

func spanOf(service string, s *otlp.Span) Span {
	out := Span{
		Service: service, Name: s.GetName(), Kind: s.GetKind().String()[len("SPAN_KIND_"):],
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Attributes: attributes(s.GetAttributes()), Failed: s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR,
		Begin: time.Unix(0, int64(s.GetStartTimeUnixNano())), End: time.Unix(0, int64(s.GetEndTimeUnixNano())), //nolint:gosec // times
		Texts: []string{s.GetStatus().GetMessage(), s.GetTraceState()},
	}
	for _, l := range s.GetLinks() {
		out.Links = append(out.Links, hex.EncodeToString(l.GetSpanId()))
		out.Texts = append(out.Texts, fmt.Sprint(attributes(l.GetAttributes())))
	}
	for _, e := range s.GetEvents() {
		out.Texts = append(out.Texts, e.GetName(), fmt.Sprint(attributes(e.GetAttributes())))
	}
	return out
}

func attributes(all []*common.KeyValue) map[string]string {
	out := make(map[string]string, len(all))
	for _, kv := range all {
		switch v := kv.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[kv.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			out[kv.GetKey()] = fmt.Sprint(v.IntValue)
		default:
			out[kv.GetKey()] = kv.GetValue().String()
		}
	}
	return out
}
