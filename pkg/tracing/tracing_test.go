package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/pkg/tracing"
	"tiktok/pkg/tracing/tracingtest"
)

const (
	parentTrace = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
	recorded    = "00-" + parentTrace + "-" + parentSpan + "-01"
	unrecorded  = "00-" + parentTrace + "-" + parentSpan + "-00"
)

func open(t testing.TB, cfg tracing.Config) *tracing.Traces {
	t.Helper()
	traces, err := tracing.Open(cfg, "api", "v1", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return traces
}

func shutdown(t testing.TB, traces *tracing.Traces) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	traces.Shutdown(ctx)
}

func TestOneTraceOverServices(t *testing.T) {
	c := tracingtest.New(t)
	traces := open(t, tracing.Config{Endpoint: c.URL(), SampleRatio: 1})
	ctx, request := traces.Request(t.Context(), "", false, "/douyin/feed")
	id := tracing.ID(ctx)
	headers := map[string]string{"other": "kept"}
	tracing.Put(ctx, headers)
	// Another process.
	there := traces.For("video")
	vctx, call := there.Start(tracing.Take(t.Context(), headers), tracing.Server, "video/Feed")
	call.Text("text", strings.Repeat("世", 1000))
	sql := tracing.Since(vctx, time.Now().Add(-time.Second), tracing.Client, "SELECT video")
	for i := range 100 {
		sql.Int(fmt.Sprintf("n%d", i), i)
	}
	sql.Fail("other")
	sql.End()
	call.End()
	request.End()
	if n := len(c.Spans()); n != 0 && len(c.Trace(id)) == 0 {
		t.Fatalf("%d spans of another trace", n)
	}
	shutdown(t, traces) // sends what has not been sent
	spans := c.Trace(id)
	if len(spans) != 3 || len(c.Spans()) != 3 {
		t.Fatalf("%+v", c.Spans())
	}
	byName := map[string]tracingtest.Span{}
	for _, s := range spans {
		byName[s.Name] = s
	}
	first, second, third := byName["/douyin/feed"], byName["video/Feed"], byName["SELECT video"]
	if first.Service != "api" || first.Parent != "" || first.Kind != "SERVER" || first.Failed {
		t.Errorf("%+v", first)
	}
	if second.Service != "video" || second.Parent != first.ID || len([]rune(second.Attributes["text"])) > 300 {
		t.Errorf("%+v", second)
	}
	if third.Service != "video" || third.Parent != second.ID || !third.Failed ||
		len(third.Attributes) > 16 || third.End.Sub(third.Begin) < time.Second {
		t.Errorf("%+v", third)
	}
	if headers["other"] != "kept" {
		t.Error(headers)
	}
}

func TestSampling(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    tracing.Config
		parent string
		skip   bool
		on     bool
		id     string
	}{
		{"all", tracing.Config{SampleRatio: 1}, "", false, true, ""},
		{"none", tracing.Config{}, "", false, false, ""},
		{"a probe", tracing.Config{SampleRatio: 1}, "", true, false, ""},
		{"a client cannot ask", tracing.Config{}, recorded, false, false, parentTrace},
		{"a client cannot refuse", tracing.Config{SampleRatio: 1}, unrecorded, false, true, parentTrace},
		{"a trusted one can ask", tracing.Config{SampleParent: true}, recorded, false, true, parentTrace},
		{"a trusted one can refuse", tracing.Config{SampleRatio: 1, SampleParent: true}, unrecorded, false, false, parentTrace},
		{"a trusted one says nothing", tracing.Config{SampleRatio: 1, SampleParent: true}, "", false, true, ""},
		{"nonsense", tracing.Config{SampleRatio: 1}, "00-xyz", false, true, ""},
		{"zeros", tracing.Config{SampleRatio: 1}, "00-" + strings.Repeat("0", 32) + "-" + strings.Repeat("0", 16) + "-01", false, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			col := tracingtest.New(t)
			c.cfg.Endpoint = col.URL()
			traces := open(t, c.cfg)
			ctx, span := traces.Request(t.Context(), c.parent, c.skip, "r")
			id := tracing.ID(ctx)
			if span.On() != c.on || tracing.On(ctx) != c.on || len(id) != 32 || c.id != "" && c.id != id || c.id == "" && id == parentTrace {
				t.Errorf("on %v %v, id %s", span.On(), tracing.On(ctx), id)
			}
			headers := map[string]string{}
			tracing.Put(ctx, headers)
			far := tracing.Take(t.Context(), headers)
			if tracing.ID(far) != id || tracing.On(far) != c.on {
				t.Errorf("the next process sees %s, %v", tracing.ID(far), tracing.On(far))
			}
			_, child := traces.For("user").Start(far, tracing.Server, "child")
			child.End()
			span.End()
			shutdown(t, traces)
			want := 0
			if c.on {
				want = 2
			}
			if got := col.Spans(); len(got) != want {
				t.Errorf("%d spans, want %d", len(got), want)
			} else if c.id != "" && want > 0 && got[0].Parent != parentSpan {
				t.Errorf("parent %q", got[0].Parent)
			}
		})
	}
}

func TestRatio(t *testing.T) {
	c := tracingtest.New(t)
	traces := open(t, tracing.Config{Endpoint: c.URL(), SampleRatio: 0.1})
	on := 0
	for range 5000 {
		_, span := traces.Request(t.Context(), "", false, "r")
		if span.On() {
			on++
		}
		span.End()
	}
	if on < 350 || on > 650 {
		t.Errorf("%d of 5000 are recorded, want about 500", on)
	}
	shutdown(t, traces)
}

func TestBatchIsLinkedToAllItsCauses(t *testing.T) {
	c := tracingtest.New(t)
	traces := open(t, tracing.Config{Endpoint: c.URL(), SampleRatio: 1})
	var causes []tracing.Ref
	var ids []string
	for range 3 {
		ctx, span := traces.Request(t.Context(), "", false, "like")
		ids = append(ids, tracing.ID(ctx))
		causes = append(causes, tracing.ParseRef(tracing.RefOf(ctx).String())) // over the wire
		if causes[len(causes)-1].String() != tracing.RefOf(ctx).String() {
			t.Fatalf("%v is read as %v", tracing.RefOf(ctx), causes)
		}
		span.End()
	}
	broken := errors.New("broken")
	kind := func(error) string { return "kind" }
	err := traces.For("interaction").Batch(t.Context(), "write", 7, causes, kind, func(ctx context.Context) error {
		_, span := tracing.Start(ctx, tracing.Client, "COMMIT")
		span.End()
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	shutdown(t, traces)
	whole := tracingtest.Span{}
	for _, s := range c.Spans() {
		if s.Name == "write" && len(s.Links) == 3 {
			whole = s
		}
	}
	if whole.Trace != ids[0] || whole.Attributes["messaging.batch.message_count"] != "7" ||
		!whole.Failed || whole.Attributes["error.type"] != "kind" {
		t.Fatalf("%+v", whole)
	}
	for i, id := range ids {
		var like, write, commit tracingtest.Span
		for _, s := range c.Trace(id) {
			switch s.Name {
			case "like":
				like = s
			case "write":
				write = s
			case "COMMIT":
				commit = s
			}
		}
		if write.Parent != like.ID || write.Service != "interaction" || whole.Links[i] != like.ID {
			t.Errorf("trace %d: %+v", i, write)
		}
		if i == 0 && commit.Parent != whole.ID || i > 0 && (commit.ID != "" || len(write.Links) != 1 || write.Links[0] != whole.ID) {
			t.Errorf("trace %d: %+v, %+v", i, write, commit)
		}
	}
}

func TestManyCausesAreBounded(t *testing.T) {
	c := tracingtest.New(t)
	traces := open(t, tracing.Config{Endpoint: c.URL(), SampleRatio: 1})
	ctx, span := traces.Request(t.Context(), "", false, "like")
	span.End()
	causes := make([]tracing.Ref, 1000)
	for i := range causes {
		causes[i] = tracing.RefOf(ctx)
	}
	if err := traces.Batch(t.Context(), "write", len(causes), causes, nil, func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	shutdown(t, traces)
	if n := len(c.Spans()); n != 129 {
		t.Errorf("%d spans", n)
	}
	for _, s := range c.Spans() {
		if len(s.Links) > 128 {
			t.Errorf("%d links", len(s.Links))
		}
	}
}

func TestOffCostsNothing(t *testing.T) {
	var off *tracing.Traces
	ctx := t.Context()
	headers := map[string]string{}
	n := testing.AllocsPerRun(1000, func() {
		c, span := tracing.Start(ctx, tracing.Client, "x")
		span.Text("k", "v")
		span.Int("k", 1)
		span.Fail("x")
		span.End()
		since := tracing.Since(c, time.Time{}, tracing.Client, "x")
		since.End()
		c, span = off.For("user").Start(c, tracing.Server, "x")
		span.End()
		c, span = off.Begin(c, "job", tracing.Ref{})
		span.End()
		tracing.Put(c, headers)
		if tracing.On(c) || tracing.ID(c) != "" || !tracing.RefOf(c).IsZero() || len(headers) != 0 {
			t.Error("a trace came from nowhere")
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
	off.Shutdown(ctx)
	if traces := open(t, tracing.Config{SampleRatio: 1}); traces != nil {
		t.Error("traces without an endpoint")
	}
}

func TestRefusesEndpoints(t *testing.T) {
	for _, endpoint := range []string{"127.0.0.1:4318", "grpc://host:4317", "http://", "http://user:pass word@x"} {
		if _, err := tracing.Open(tracing.Config{Endpoint: endpoint}, "api", "", nil, prometheus.NewRegistry()); err == nil {
			t.Errorf("%q was accepted", endpoint)
		} else if strings.Contains(err.Error(), "pass") {
			t.Errorf("the error tells the password: %v", err)
		}
	}
}

// A collector that refuses connections, one that never answers and one that answers errors cost no request more than one
// that works, and the stop is bounded.
func TestCollectorAway(t *testing.T) {
	var lc net.ListenConfig
	refusing, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + refusing.Addr().String()
	if err := refusing.Close(); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}))
	defer hanging.Close()
	defer close(release)
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer failing.Close()
	for name, endpoint := range map[string]string{"refuses": refused, "hangs": hanging.URL, "fails": failing.URL} {
		t.Run(name, func(t *testing.T) {
			var buf bytes.Buffer
			reg := prometheus.NewRegistry()
			traces, err := tracing.Open(tracing.Config{Endpoint: endpoint, SampleRatio: 1}, "api", "", slog.New(slog.NewTextHandler(&buf, nil)), reg)
			if err != nil {
				t.Fatal(err)
			}
			const requests = 20_000 // several times the queue
			begin := time.Now()
			for range requests {
				_, span := traces.Request(t.Context(), "", false, "r")
				span.End()
			}
			// A request that waited for the collector once would take longer than all of these.
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("%d requests took %v", requests, took)
			}
			made := 0.0
			if families, err := reg.Gather(); err == nil {
				for _, m := range families[0].GetMetric() {
					if m.GetLabel()[0].GetValue() == "made" {
						made = m.GetCounter().GetValue()
					}
				}
			}
			if n, err := testutil.GatherAndCount(reg); err != nil || n < 1 || made != requests {
				t.Errorf("%v spans are counted, %v", made, err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			begin = time.Now()
			traces.Shutdown(ctx)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("the stop took %v", took)
			}
		})
	}
}

func BenchmarkSpan(b *testing.B) {
	c := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer c.Close()
	for name, cfg := range map[string]tracing.Config{"sampled out": {Endpoint: c.URL}, "sampled in": {Endpoint: c.URL, SampleRatio: 1}} {
		b.Run(name, func(b *testing.B) {
			traces := open(b, cfg)
			b.ReportAllocs()
			for b.Loop() {
				ctx, span := traces.Request(b.Context(), "", false, "r")
				_, child := tracing.Start(ctx, tracing.Client, "x")
				child.Text("db.system.name", "redis")
				child.End()
				span.End()
			}
			shutdown(b, traces)
		})
	}
	b.Run("off", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, child := tracing.Start(b.Context(), tracing.Client, "x")
			child.Text("db.system.name", "redis")
			child.End()
		}
	})
}
