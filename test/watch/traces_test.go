package watch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/tracing/tracingtest"
	"tiktok/test/harness"
)

const (
	// arriveWithin is several times what a span waits before it is sent.
	arriveWithin = 20 * time.Second
	// mediaWithin bounds the wait for a video to be improved.
	mediaWithin = 90 * time.Second
	traceHeader = "X-Trace-Id"
	// maxSpanNames bounds the names of all spans together, maxAttributes those of a span, maxText a value's characters.
	maxSpanNames, maxAttributes, maxText = 200, 16, 300
)

// TestTraces runs on both deployments: what is in a trace does not depend on how many processes there are.
func TestTraces(t *testing.T) {
	opts := options(withMedia(), harness.Set("media.background", "true"), harness.Set("telemetry.log_level", "debug"),
		harness.Set("telemetry.sample_ratio", "1"))
	for name, start := range map[string]func(testing.TB, ...harness.Option) *harness.Deployment{
		harness.NameAllInOne: harness.AllInOne, harness.NameDistributed: harness.Distributed,
	} {
		t.Run(name, func(t *testing.T) {
			c := tracingtest.New(t)
			d := start(t, append(slices.Clone(opts), harness.Set("telemetry.otlp_endpoint", c.URL()))...)
			v := newDriver(d)
			v.drive(t)
			t.Run("feed", func(t *testing.T) { traceOfFeed(t, v, c) })
			t.Run("like", func(t *testing.T) { traceOfLike(t, v, c) })
			t.Run("storm", func(t *testing.T) { tracesOfStorm(t, v, c) })
			t.Run("media", func(t *testing.T) { traceOfMedia(t, v, c) })
			t.Run("parent", func(t *testing.T) { traceOfParent(t, v, c) })
			v.drive(t)
			last := v.met(d.NewUser(t)).Get(t, harness.PathFeed).OK(t).Header.Get(traceHeader)
			d.Stop(t) // sends what waits
			if err := whole(c.Trace(last)); err != nil {
				t.Errorf("the trace of the last request: %v", err)
			}
			checkSpans(t, v, c)
		})
	}
}

// whole returns an error unless the spans are one complete trace, which begins at the gateway.
func whole(spans []tracingtest.Span) error {
	if len(spans) == 0 {
		return errors.New("no span has arrived")
	}
	ids := map[string]bool{}
	for _, s := range spans {
		ids[s.ID] = true
	}
	var roots []string
	for _, s := range spans {
		switch {
		case s.Parent == "":
			roots = append(roots, s.Service+" "+s.Name)
		case !ids[s.Parent]:
			return fmt.Errorf("the parent of %s is missing", s.Name)
		}
	}
	if len(roots) != 1 || !strings.HasPrefix(roots[0], "api /douyin/") {
		return fmt.Errorf("the trace begins with %q", roots)
	}
	return nil
}

// arrived waits for a complete trace for which check returns nil.
func arrived(t *testing.T, c *tracingtest.Collector, id string, check func(spans []tracingtest.Span) error) []tracingtest.Span {
	t.Helper()
	if len(id) != 32 {
		t.Fatalf("trace id %q", id)
	}
	var spans []tracingtest.Span
	harness.Eventually(t, arriveWithin, func() error {
		spans = c.Trace(id)
		if err := errors.Join(whole(spans), check(spans)); err != nil {
			return fmt.Errorf("%w in\n%s", err, outline(spans))
		}
		return nil
	})
	return spans
}

func outline(spans []tracingtest.Span) string {
	var b strings.Builder
	for _, s := range spans {
		fmt.Fprintf(&b, "  %s %s %q %s < %s, linked to %q %v\n", s.Service, s.Kind, s.Name, s.ID, s.Parent, s.Links, s.Attributes)
	}
	return b.String()
}

func services(spans []tracingtest.Span) []string {
	all := map[string]bool{}
	for _, s := range spans {
		all[s.Service] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// traceOfFeed: one feed page is one trace, with each call that was answered for it and the services' statements. A page
// beside which a service counted calls of others is asked for again.
func traceOfFeed(t *testing.T, v *driver, c *tracingtest.Collector) {
	v.met(v.d.NewUser(t)).Publish(t, "for the trace")
	var id string
	var spans []tracingtest.Span
	want := []string{"api", "interaction", "social", "user", "video"}
	harness.Eventually(t, 3*arriveWithin, func() error {
		reader := v.met(v.d.NewUser(t)) // unknown to every cache
		before := v.d.RPCs(t)
		id = reader.Get(t, harness.PathFeed).OK(t).Header.Get(traceHeader)
		calls, by := harness.Added(before, v.d.RPCs(t))
		if !strings.Contains(fmt.Sprint(by), "MGetUsers") {
			return errors.New("the gateway still holds the authors' cards")
		}
		spans = arrived(t, c, id, func(spans []tracingtest.Span) error {
			if got := services(spans); !slices.Equal(got, want) {
				return fmt.Errorf("services %q, want %q", got, want)
			}
			return nil
		})
		for end := time.Now().Add(arriveWithin / 4); len(answered(spans)) < int(calls) && time.Now().Before(end); { // leaves come last
			harness.Until(t.Context(), time.Now().Add(50*time.Millisecond))
			spans = c.Trace(id)
		}
		if n := len(answered(spans)); n != int(calls) {
			return fmt.Errorf("%d answered calls, %v were counted: %v in\n%s", n, calls, by, outline(spans))
		}
		return nil
	})
	statements := slices.DeleteFunc(slices.Clone(spans), func(s tracingtest.Span) bool { return !strings.HasPrefix(s.Name, "SELECT ") })
	if len(statements) == 0 {
		t.Errorf("no statement in\n%s", outline(spans))
	}
	if v.d.Name == harness.NameDistributed {
		if !slices.ContainsFunc(spans, func(s tracingtest.Span) bool { return strings.HasPrefix(s.Name, "redis ") }) {
			t.Errorf("nothing of Redis in\n%s", outline(spans))
		}
		for _, s := range answered(spans) { // over TCP each has the span of its caller above it
			i := slices.IndexFunc(spans, func(p tracingtest.Span) bool { return p.ID == s.Parent })
			if spans[i].Kind != "CLIENT" || spans[i].Name != "call "+s.Name {
				t.Errorf("%s is below %s", s.Name, spans[i].Name)
			}
		}
	}
	checkTraceInLogs(t, v, id, want)
}

// answered are the spans of calls that services have answered.
func answered(spans []tracingtest.Span) []tracingtest.Span {
	return slices.DeleteFunc(slices.Clone(spans), func(s tracingtest.Span) bool { return s.Kind != "SERVER" || s.Service == "api" })
}

// checkTraceInLogs: every process that worked for the request has lines with its trace id.
func checkTraceInLogs(t *testing.T, v *driver, id string, services []string) {
	t.Helper()
	harness.Eventually(t, arriveWithin, func() error {
		seen := map[string]bool{}
		for line := range strings.Lines(v.d.Logs(t)) {
			var r struct {
				Service   string
				TraceID   string `json:"trace_id"`
				RequestID string `json:"request_id"`
			}
			if json.Unmarshal([]byte(line), &r) == nil && r.TraceID == id {
				seen[r.Service] = r.RequestID != ""
			}
		}
		if v.d.Name == harness.NameAllInOne {
			services = []string{config.AllInOne}
		}
		for _, s := range services {
			if !seen[s] {
				return fmt.Errorf("no line of %s has trace %s and a request id: %v", s, id, seen)
			}
		}
		return nil
	})
}

// traceOfLike: one like is one trace, from the request to the commit.
func traceOfLike(t *testing.T, v *driver, c *tracingtest.Collector) {
	author, fan := v.met(v.d.NewUser(t)), v.met(v.d.NewUser(t))
	clip := author.Publish(t, "to be liked")
	id := fan.Post(t, harness.PathFavorite, "video_id", clip.ID, "action_type", 1).OK(t).Header.Get(traceHeader)
	arrived(t, c, id, func(spans []tracingtest.Span) error {
		if !slices.Contains(services(spans), "video") { // another process, which sends its spans when it likes
			return errors.New("interaction did not ask whether the video exists")
		}
		return likeStored(spans, c)
	})
	checkTraceInLogs(t, v, id, []string{"api", "interaction", "video"})
}

// likeStored returns an error unless the trace goes from the gateway through the service, the queue and the writer to a
// commit: its own, or that of the batch that its writer's span is linked to.
func likeStored(spans []tracingtest.Span, c *tracingtest.Collector) error {
	find := func(name string, below tracingtest.Span) (tracingtest.Span, error) {
		for _, s := range spans {
			if s.Name == name && s.Parent == below.ID {
				return s, nil
			}
		}
		return tracingtest.Span{}, fmt.Errorf("no %q below %q", name, below.Name)
	}
	at := slices.IndexFunc(spans, func(s tracingtest.Span) bool { return s.Name == "interaction/Favorite" })
	if at < 0 {
		return errors.New("no call of the service")
	}
	publish, err := find("publish interaction", spans[at])
	if err != nil {
		return err
	}
	write, err := find("write interaction", publish)
	if err != nil {
		return err
	}
	if !slices.Contains(write.Links, publish.ID) { // it was not the first of its batch
		if len(write.Links) != 1 {
			return fmt.Errorf("the writer's span has links %q", write.Links)
		}
		i := slices.IndexFunc(c.Spans(), func(s tracingtest.Span) bool { return s.ID == write.Links[0] })
		if i < 0 {
			return errors.New("the batch's span has not arrived")
		}
		if write = c.Spans()[i]; !slices.Contains(write.Links, publish.ID) {
			return fmt.Errorf("the batch is not linked to the like: %q", write.Links)
		}
		spans = c.Trace(write.Trace)
	}
	tx, err := find("transaction interaction", write)
	if err != nil {
		return err
	}
	commit, err := find("COMMIT interaction", tx)
	if err != nil {
		return err
	}
	if commit.Failed || commit.End.After(write.End) {
		return errors.New("the commit comes after its batch")
	}
	_, err = find("INSERT interaction", tx)
	return err
}

// tracesOfStorm: likes that are stored together are each a trace to the commit, and the batch is linked to all of them.
func tracesOfStorm(t *testing.T, v *driver, c *tracingtest.Collector) {
	const people = 24
	author := v.met(v.d.NewUser(t))
	clip := author.Publish(t, "to be liked by many")
	fans := make([]*harness.User, people)
	for i := range fans {
		fans[i] = v.met(v.d.NewUser(t))
	}
	ids := make([]string, people)
	together := func() bool {
		harness.Parallel(t, people, func(t testing.TB, i int) {
			ids[i] = fans[i].Post(t, harness.PathFavorite, "video_id", clip.ID, "action_type", 1).OK(t).Header.Get(traceHeader)
		})
		for _, id := range ids {
			arrived(t, c, id, func(spans []tracingtest.Span) error { return likeStored(spans, c) })
		}
		return slices.ContainsFunc(c.Spans(), func(s tracingtest.Span) bool {
			return s.Name == "write interaction" && s.Attributes["messaging.batch.message_count"] != "1" && len(s.Links) > 1
		})
	}
	for range 10 {
		if together() {
			return
		}
	}
	t.Error("no two likes were ever stored together")
}

// traceOfMedia: the work on a video is a trace of its own, with the programs that it runs.
func traceOfMedia(t *testing.T, v *driver, c *tracingtest.Collector) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not here")
	}
	v.met(v.d.NewUser(t)).Publish(t, "to be improved")
	harness.Eventually(t, mediaWithin, func() error {
		var work []tracingtest.Span
		for _, s := range c.Spans() {
			if s.Name != "media work" || s.Service != "video" || s.Failed {
				continue
			}
			names := map[string]bool{}
			work = c.Trace(s.Trace)
			for _, s := range work {
				names[s.Name] = true
			}
			if names["make preview"] && names["make hls"] && names["run ffmpeg"] && names["COMMIT video"] {
				return nil
			}
		}
		return fmt.Errorf("no trace of work on a video:\n%s", outline(work))
	})
}

// traceOfParent: a client's traceparent gives the id; nonsense there does no harm.
func traceOfParent(t *testing.T, v *driver, c *tracingtest.Collector) {
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ask := func(header string) string {
		a := v.d.Raw(t, harness.Request{Method: http.MethodGet, Path: harness.PathFeed, Header: http.Header{"Traceparent": {header}}})
		if a.Status != http.StatusOK {
			t.Errorf("%q: HTTP status %d", header, a.Status)
		}
		return a.Header.Get(traceHeader)
	}
	if got := ask("00-" + id + "-" + span + "-01"); got != id {
		t.Errorf("trace id %q", got)
	}
	harness.Eventually(t, arriveWithin, func() error {
		for _, s := range c.Trace(id) {
			if s.Parent == span && s.Service == "api" && s.Kind == "SERVER" {
				return nil
			}
		}
		return errors.New("the request is not below the client's span")
	})
	for _, bad := range []string{
		"00", "ff-" + id + "-" + span + "-01", "00-" + strings.ToUpper(id) + "-" + span + "-01",
		strings.Repeat("a", 5000), "00-" + id + "-" + strings.Repeat("0", 16) + "-01",
	} {
		if got := ask(bad); len(got) != 32 || got == id {
			t.Errorf("%.60q gives trace id %q", bad, got)
		}
	}
}

// checkSpans: what leaves the process is bounded, and nothing that people keep to themselves is in it.
func checkSpans(t *testing.T, v *driver, c *tracingtest.Collector) {
	private := append(slices.Clone(v.secrets), confided, "nice", "for the trace", "to be liked")
	for name := range v.ids {
		if strings.ContainsFunc(name, func(r rune) bool { return r < '0' || r > '9' }) {
			private = append(private, name) // names of people; their ids are no secret
		}
	}
	if s := v.d.Config.Auth.Secret; s != "" {
		private = append(private, s)
	}
	names, keys := map[string]bool{}, map[string]bool{}
	for _, s := range c.Spans() {
		names[s.Name] = true
		texts := append(slices.Clone(s.Texts), s.Name)
		if len(s.Attributes) > maxAttributes {
			t.Errorf("%s has %d attributes", s.Name, len(s.Attributes))
		}
		for key, value := range s.Attributes {
			keys[key] = true
			// A client chooses its request's id, as in the log.
			if key != "tiktok.request_id" {
				texts = append(texts, value)
			}
			if len([]rune(value)) > maxText {
				t.Errorf("%s: %s has %d characters", s.Name, key, len(value))
			}
		}
		for _, text := range texts {
			for _, secret := range private {
				if strings.Contains(text, secret) {
					t.Errorf("%q is in a span %q: %q", secret, s.Name, text)
				}
			}
		}
	}
	id := regexp.MustCompile(`\d{5}`)
	for name := range names {
		if id.MatchString(name) {
			t.Errorf("an id is in the name %q", name)
		}
	}
	if len(names) > maxSpanNames || len(names) < 40 || len(keys) > 40 {
		t.Errorf("%d names of spans and %d of attributes: %q %q", len(names), len(keys), slices.Sorted(maps.Keys(names)),
			slices.Sorted(maps.Keys(keys)))
	}
	docs := string(read(t, operations))
	for key := range keys {
		if !strings.Contains(docs, "`"+key+"`") {
			t.Errorf("docs/operations.md does not explain the attribute %s", key)
		}
	}
	t.Logf("%d spans with %d names and %d attributes", len(c.Spans()), len(names), len(keys))
}

// TestTracesSampledOut: with a ratio of 0 requests have an id, and nothing is sent.
func TestTracesSampledOut(t *testing.T) {
	c := tracingtest.New(t)
	d := harness.AllInOne(t, options(withMedia(), harness.Set("telemetry.otlp_endpoint", c.URL()),
		harness.Set("telemetry.sample_ratio", "0"))...)
	v := newDriver(d)
	v.drive(t)
	a := d.Raw(t, harness.Request{
		Method: http.MethodGet, Path: harness.PathFeed,
		Header: http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
	})
	id := a.Header.Get(traceHeader)
	if id != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("trace id %q", id)
	}
	checkTraceInLogs(t, v, id, nil)
	d.Stop(t)
	if n := len(c.Spans()); n > 0 {
		t.Errorf("%d spans were sent:\n%s", n, outline(c.Spans()))
	}
}

// TestTracesOff: without an endpoint there is no trace id anywhere, whatever a client sends.
func TestTracesOff(t *testing.T) {
	d := harness.AllInOne(t, options()...)
	a := d.Raw(t, harness.Request{
		Method: http.MethodGet, Path: harness.PathFeed,
		Header: http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
	})
	if _, ok := a.Header[traceHeader]; ok || strings.Contains(d.Logs(t), "trace_id") {
		t.Errorf("%v\n%s", a.Header, d.Logs(t))
	}
}

// TestTracesCollectorAway: a collector that takes connections and never answers delays nobody, and the process stops in
// time.
func TestTracesCollectorAway(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", harness.FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() }) // the listener's backlog takes connections
	d := harness.AllInOneProcess(t, options(harness.Set("telemetry.otlp_endpoint", "http://"+ln.Addr().String()))...)
	v := newDriver(d)
	v.drive(t)
	const requests = 500 // several times the spans that may wait
	u := v.met(d.NewUser(t))
	longest, begin := time.Duration(0), time.Now()
	for range requests {
		one := time.Now()
		u.Feed(t, 0)
		longest = max(longest, time.Since(one))
	}
	t.Logf("%d feeds took %v, the longest %v", requests, time.Since(begin), longest)
	if longest > 2*time.Second { // one that waited for the collector would take 5 s
		t.Errorf("a request took %v", longest)
	}
	begin = time.Now()
	d.Stop(t)
	if took := time.Since(begin); took > 12*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
