package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/pkg/push"
)

// eventsWithin bounds a wait for an event, on a busy machine.
const eventsWithin = 30 * time.Second

// events is an open stream.
type events struct {
	t    *testing.T
	resp *http.Response
	// next are its blocks: the lines until an empty one, or a comment. It is closed at the end of the stream.
	next chan string
}

// openEvents opens a stream and waits for its first event.
func (e *env) openEvents(t *testing.T, headers ...string) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(resp.Body) })
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("answered %d %s", resp.StatusCode, body)
	}
	s := &events{t: t, resp: resp, next: make(chan string, 1000)}
	go readEvents(resp.Body, s.next)
	if retry := s.event(); !strings.HasPrefix(retry, "retry: ") {
		t.Fatalf("the first event is %q", retry)
	} else if ms, err := strconv.Atoi(strings.TrimPrefix(retry, "retry: ")); err != nil || ms < 1000 || ms > 10_000 {
		t.Errorf("%q", retry)
	}
	return s
}

// readEvents sends the blocks of a stream to next until it ends.
func readEvents(body io.Reader, next chan<- string) {
	defer close(next)
	var block []string
	for lines := bufio.NewScanner(body); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, ":"):
			next <- line
		case line != "":
			block = append(block, line)
		case len(block) > 0:
			next <- strings.Join(block, "\n")
			block = nil
		}
	}
}

// event waits for the next event.
func (s *events) event() string {
	s.t.Helper()
	late := time.NewTimer(eventsWithin)
	defer late.Stop()
	for {
		select {
		case block, open := <-s.next:
			if !open {
				s.t.Fatal("the stream has ended")
			}
			if !strings.HasPrefix(block, ":") {
				return block
			}
		case <-late.C:
			s.t.Fatal("no event comes")
		}
	}
}

func (s *events) want(data string) {
	s.t.Helper()
	if got, want := s.event(), "event: hint\ndata: "+data; got != want {
		s.t.Errorf("got %q, want %q", got, want)
	}
}

// ends waits until the stream ends.
func (s *events) ends() {
	s.t.Helper()
	late := time.NewTimer(eventsWithin)
	defer late.Stop()
	for {
		select {
		case _, open := <-s.next:
			if !open {
				return
			}
		case <-late.C:
			s.t.Fatal("the stream does not end")
		}
	}
}

// hint publishes one as the notice service does.
func hint(t *testing.T, b push.Broker, h notice.Hint) {
	t.Helper()
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), []push.Hint{{UserID: h.UserId, Data: data}}); err != nil {
		t.Fatal(err)
	}
}

// withHints gives the gateway a broker that the test knows.
func withHints(t *testing.T, change ...func(*gateway.Deps)) (*env, push.Broker) {
	t.Helper()
	var hints push.Broker
	e := start(t, &fakes{}, append(change, func(d *gateway.Deps) { hints = d.Hints })...)
	return e, hints
}

// metric waits until a metric has a value.
func (e *env) metric(t *testing.T, name, value string) {
	t.Helper()
	var text string
	for end := time.Now().Add(eventsWithin); time.Now().Before(end); {
		text = string(e.get("/metrics").body)
		if strings.Contains(text, "\n"+name+" "+value+"\n") {
			return
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, name[:strings.IndexAny(name+"{", "{")]) {
			t.Errorf("%s, want %s %s", line, name, value)
		}
	}
}

func TestEventsTellHints(t *testing.T) {
	t.Parallel()
	e, hints := withHints(t, func(d *gateway.Deps) { d.Config.RequestTimeout = 100 * time.Millisecond })
	s, other := e.openEvents(t, e.bearer(5)...), e.openEvents(t, e.cookie(6)...)
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := s.resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	id := func(n int64) *int64 { return &n }
	state := func(n int32) *int32 { return &n }
	for want, h := range map[string]notice.Hint{
		`{"kind":"message","user_id":6}`:                      {Kind: "message", PeerId: id(6)},
		`{"kind":"read","user_id":7}`:                         {Kind: "read", PeerId: id(7)},
		`{"kind":"notice"}`:                                   {Kind: "notice"},
		`{"kind":"upload","video_id":9,"state":"ready"}`:      {Kind: "upload", VideoId: id(9), State: state(3)},
		`{"kind":"upload","video_id":9,"state":"failed"}`:     {Kind: "upload", VideoId: id(9), State: state(4)},
		`{"kind":"upload","video_id":8,"state":"processing"}`: {Kind: "upload", VideoId: id(8), State: state(2)},
	} {
		h.UserId = 5
		hint(t, hints, h)
		s.want(want)
	}
	// What is none, or of a newer service, is left out.
	for _, bad := range []string{
		`{`, `[]`, `null`, `7`, `{"kind":"poke","peer_id":6}`, `{"kind":"message"}`, `{"kind":"message","peer_id":-1}`,
		`{"kind":"read","peer_id":9007199254740992}`, `{"kind":"upload","video_id":9}`, `{"kind":"upload","state":3}`,
	} {
		if err := hints.Publish(t.Context(), []push.Hint{{UserID: 5, Data: json.RawMessage(bad)}}); err != nil {
			t.Fatal(err)
		}
	}
	hint(t, hints, notice.Hint{UserId: 5, Kind: "message", PeerId: id(60)})
	s.want(`{"kind":"message","user_id":60}`)
	hint(t, hints, notice.Hint{UserId: 6, Kind: "notice"})
	other.want(`{"kind":"notice"}`)
	e.metric(t, `tiktok_streams_hints_total{outcome="bad"}`, "10")
	// They are open, and no requests under way.
	e.metric(t, "tiktok_streams_open", "2")
	e.metric(t, "tiktok_http_requests_in_flight", "1")
	e.metric(t, `tiktok_http_requests_total{code="0",route="/api/v1/events"}`, "2")
	if text := string(e.get("/metrics").body); strings.Contains(text, `tiktok_http_duration_seconds_count{route="/api/v1/events"}`) {
		t.Error("the time of streams is in the histogram")
	}
}

// Hints that say the same as one that waits join it, and none is lost that says something else.
func TestEventsJoin(t *testing.T) {
	t.Parallel()
	e, hints := withHints(t)
	s := e.openEvents(t, e.bearer(5)...)
	const bursts, peers = 20, 5
	for range bursts {
		for peer := int64(1); peer <= peers; peer++ {
			hint(t, hints, notice.Hint{UserId: 5, Kind: "message", PeerId: &peer})
		}
	}
	last := int64(99)
	got := map[string]int{}
	for {
		hint(t, hints, notice.Hint{UserId: 5, Kind: "read", PeerId: &last})
		block := s.event()
		if strings.Contains(block, `"user_id":99`) {
			break
		}
		got[block]++
	}
	all := 0
	for block, n := range got {
		if all += n; !strings.Contains(block, `"kind":"message"`) {
			t.Errorf("got %q", block)
		}
	}
	if len(got) != peers || all > bursts*peers/2 {
		t.Errorf("%d events of %d hints, about %d conversations, want %d", all, bursts*peers, len(got), peers)
	}
}

func TestEventsNeedALogin(t *testing.T) {
	t.Parallel()
	e, _ := withHints(t, func(d *gateway.Deps) { d.Config.CORSOrigins = []string{"https://app.example.com"} })
	wantProblem(t, e.v1("GET", "/events", ""), 401, errno.Unauthenticated, "")
	wantProblem(t, e.v1("GET", "/events?token="+e.token(5), ""), 401, errno.Unauthenticated, "")
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		a := e.v1(method, "/events", "", e.bearer(5)...)
		wantProblem(t, a, 405, errno.MethodNotAllowed, "")
		if got := a.Header.Get("Allow"); got != "GET" {
			t.Errorf("Allow: %q", got)
		}
	}
	if a := e.v1("HEAD", "/events", "", e.bearer(5)...); a.StatusCode != 405 {
		t.Errorf("HEAD: %d", a.StatusCode)
	}
	s := e.openEvents(t, append(e.bearer(5), "Origin", "https://app.example.com")...)
	if got := s.resp.Header.Get("Access-Control-Allow-Origin"); got != "https://app.example.com" {
		t.Errorf("Access-Control-Allow-Origin: %q", got)
	}
}

func TestEventsEndWithTheSession(t *testing.T) {
	t.Parallel()
	e := start(t, &fakes{revoke: func(r *user.RevokeSessionRequest) (*user.RevokeSessionResponse, error) {
		return &user.RevokeSessionResponse{
			Revocations: []*user.Revocation{{UserId: r.UserId, SessionId: r.SessionId, RevokedAtMs: time.Now().UnixMilli()}},
		}, nil
	}})
	ended := e.openEvents(t, "Authorization", "Bearer "+e.sessionToken(5, 70))
	stays := e.openEvents(t, "Authorization", "Bearer "+e.sessionToken(5, 71))
	if a := e.v1("DELETE", "/sessions/current", "", "Authorization", "Bearer "+e.sessionToken(5, 70)); a.StatusCode != 204 {
		t.Fatalf("logout: %d %s", a.StatusCode, a.body)
	}
	ended.ends()
	e.metric(t, `tiktok_streams_ended_total{reason="revoked"}`, "1")
	e.metric(t, "tiktok_streams_open", "1")
	e.stop()
	stays.ends()
}

func TestEventsEndWithTheToken(t *testing.T) {
	t.Parallel()
	tokens := auth.NewTokens([]byte(strings.Repeat("k", 32)), 3*time.Second)
	e, _ := withHints(t, func(d *gateway.Deps) { d.Tokens = tokens })
	token, err := tokens.Issue(5, 0)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e.openEvents(t, "Authorization", "Bearer "+token).ends()
	if took := time.Since(began); took < time.Second {
		t.Errorf("ended after %v", took)
	}
	e.metric(t, `tiktok_streams_ended_total{reason="expired"}`, "1")
}

// The oldest stream of a user ends for one too many; a network and a gateway have no room for more.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	e, hints := withHints(t, trust("127.0.0.1/32"), noLimits, func(d *gateway.Deps) { d.Config.MaxStreams = 20 })
	from := func(user int64, addr string) []string { return append(e.bearer(user), "X-Forwarded-For", addr) }
	first := e.openEvents(t, from(5, "192.0.2.1")...)
	var last *events
	for range 8 {
		last = e.openEvents(t, from(5, "192.0.2.1")...)
	}
	first.ends()
	e.metric(t, "tiktok_streams_open", "8")
	e.openEvents(t, from(6, "192.0.2.1")...)
	e.openEvents(t, from(7, "192.0.2.1")...)
	a := e.v1("GET", "/events", "", from(8, "192.0.2.1")...)
	wantProblem(t, a, 429, errno.TooManyRequests, "address")
	if n, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || n < 10 {
		t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
	}
	for u := int64(10); u < 20; u++ {
		e.openEvents(t, from(u, fmt.Sprint("192.0.2.", u))...)
	}
	a = e.v1("GET", "/events", "", from(30, "192.0.2.30")...)
	wantProblem(t, a, 503, errno.Unavailable, "no room")
	if n, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || n < 10 {
		t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
	}
	hint(t, hints, notice.Hint{UserId: 5, Kind: "notice"})
	last.want(`{"kind":"notice"}`)
	e.metric(t, `tiktok_streams_refused_total{limit="address"}`, "1")
	e.metric(t, `tiktok_streams_refused_total{limit="total"}`, "1")
}

// A gateway that stops ends its streams at once, long before its time for requests under way is over.
func TestEventsEndWithTheGateway(t *testing.T) {
	t.Parallel()
	e, _ := withHints(t)
	var streams []*events
	for u := range int64(20) {
		streams = append(streams, e.openEvents(t, e.bearer(u+1)...))
	}
	began := time.Now()
	e.stop()
	for _, s := range streams {
		s.ends()
	}
	ended := time.Since(began)
	err := <-e.done
	e.done <- err
	if stopped := time.Since(began); ended > 2*time.Second || stopped > 6*time.Second {
		t.Errorf("the streams ended after %v, the gateway after %v", ended, stopped)
	}
}

// A proxy that speaks HTTP/1.0 gets a body without chunks, which ends with the connection.
func TestEventsInHTTP10(t *testing.T) {
	t.Parallel()
	e, hints := withHints(t)
	c := connect(t, e)
	defer shut(c)
	send(t, c, "GET /api/v1/events HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", e.token(5))
	r := bufio.NewReader(c)
	var head strings.Builder
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatalf("%v after %q", err, head.String())
		}
		head.WriteString(line)
	}
	if h := strings.ToLower(head.String()); strings.Contains(h, "transfer-encoding") || strings.Contains(h, "content-length") ||
		!strings.Contains(h, "connection: close") || !strings.Contains(h, " 200 ") {
		t.Errorf("head: %s", h)
	}
	s := &events{t: t, next: make(chan string, 10)}
	go readEvents(r, s.next)
	if got := s.event(); !strings.HasPrefix(got, "retry: ") {
		t.Errorf("got %q", got)
	}
	hint(t, hints, notice.Hint{UserId: 5, Kind: "notice"})
	s.want(`{"kind":"notice"}`)
	e.stop()
	s.ends()
}

// A closed client is noticed at the next beat, and its connection is free again.
func TestEventsOfAClosedClient(t *testing.T) {
	t.Parallel()
	e, _ := withHints(t)
	s := e.openEvents(t, e.bearer(5)...)
	e.metric(t, "tiktok_push_subscriptions", "1")
	shut(s.resp.Body)
	e.metric(t, "tiktok_streams_open", "0")
	e.metric(t, `tiktok_streams_ended_total{reason="gone"}`, "1")
	e.metric(t, "tiktok_push_subscriptions", "0")
}

// A stream without hints has beats.
func TestEventsBeat(t *testing.T) {
	t.Parallel()
	e, _ := withHints(t)
	s := e.openEvents(t, e.bearer(5)...)
	late := time.NewTimer(eventsWithin)
	defer late.Stop()
	for beat := ""; beat != ": beat"; {
		select {
		case block, open := <-s.next:
			if beat = block; !open {
				t.Fatal("the stream has ended")
			}
		case <-late.C:
			t.Fatal("no beat comes")
		}
	}
}

// Who reads nothing loses the stream, and harms no other one of the same user.
func TestEventsOfASlowReader(t *testing.T) {
	t.Parallel()
	e, hints := withHints(t)
	slow := connect(t, e)
	defer shut(slow)
	if tcp, ok := slow.(*net.TCPConn); !ok || tcp.SetReadBuffer(4<<10) != nil {
		t.Fatal("no small buffer")
	}
	send(t, slow, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", e.token(5))
	e.metric(t, "tiktok_streams_open", "1")
	quick := e.openEvents(t, e.bearer(5)...)
	peer := int64(0)
	for end := time.Now().Add(2 * eventsWithin); ; {
		batch := make([]push.Hint, push.Buffer)
		for i := range batch {
			peer++
			batch[i] = push.Hint{UserID: 5, Data: json.RawMessage(fmt.Sprintf(`{"user_id":5,"kind":"message","peer_id":%d}`, peer))}
		}
		if err := hints.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for want := fmt.Sprintf(`"user_id":%d}`, peer); !strings.Contains(quick.event(), want); {
		}
		if text := string(e.get("/metrics").body); strings.Contains(text, "\ntiktok_streams_ended_total{reason=\"slow\"} 1\n") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the slow reader still has its stream")
		}
	}
	hint(t, hints, notice.Hint{UserId: 5, Kind: "notice"})
	quick.want(`{"kind":"notice"}`)
}
