package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"

	"tiktok/cmd/api/gateway"
	"tiktok/cmd/api/openapi"
	"tiktok/cmd/api/web"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/limiter"
	"tiktok/pkg/logx"
	"tiktok/pkg/media"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/workdir"
)

// env is a gateway on a port of its own with fakes behind it.
type env struct {
	t      testing.TB
	gw     *gateway.Gateway
	url    string
	client *http.Client
	tokens *auth.Tokens
	blobs  blob.Store
	work   *workdir.Dir
	tel    *telemetry.Telemetry
	calls  atomic.Int64
	log    *syncBuffer
	stop   context.CancelFunc
	done   chan error
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs a gateway until the test ends.
func start(t testing.TB, f *fakes, change ...func(*gateway.Deps)) *env {
	t.Helper()
	e := &env{t: t, log: &syncBuffer{}, done: make(chan error, 1)}
	log, err := logx.New(e.log, slog.LevelInfo, "json")
	if err != nil {
		t.Fatal(err)
	}
	e.tel = telemetry.Discard()
	e.tel.Log = log
	count := client.WithMiddleware(func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			switch rpcinfo.GetRPCInfo(ctx).To().Method() {
			case "ListRevoked", "TouchSessions": // which no request makes
			default:
				e.calls.Add(1)
			}
			return next(ctx, req, resp)
		}
	})
	e.blobs, err = blob.Open(t.Context(), blob.Config{Driver: "local", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	e.tokens = auth.NewTokens([]byte(strings.Repeat("k", 32)), time.Hour)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.work, err = workdir.Open(t.TempDir(), "gateway-")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := openapi.Files()
	if err != nil {
		t.Fatal(err)
	}
	site, err := web.New(web.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	d := gateway.Deps{
		Site:   site,
		Docs:   docs,
		Config: cfg.Gateway, Limits: cfg.Limits, Clients: f.clients(t, count), Tokens: e.tokens, TokenTTL: time.Hour, Blobs: e.blobs,
		Tools: media.New(media.Config{FFmpeg: "off"}), MaxDuration: cfg.Media.MaxDuration, SweepEvery: cfg.Media.SweepEvery,
		Shared: memoryLimiter(t), Own: memoryLimiter(t), Work: e.work,
		Hints: push.NewMemory(e.tel), Zone: time.FixedZone("test", 8*3600), Tel: e.tel, Listener: ln, PublicMetrics: true,
	}
	for _, c := range change {
		c(&d)
	}
	e.gw = gateway.New(d)
	e.url = "http://" + e.gw.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	go func() { e.done <- e.gw.Run(ctx) }()
	e.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: time.Minute}
	t.Cleanup(func() {
		cancel()
		if err := <-e.done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := e.gw.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		e.client.CloseIdleConnections()
	})
	return e
}

// noHints is a broker that nobody publishes with.
func noHints() push.Broker { return push.NewMemory(telemetry.Discard()) }

func memoryLimiter(t testing.TB) limiter.Limiter {
	t.Helper()
	l, err := limiter.NewMemory(0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func trust(cidr string) func(*gateway.Deps) {
	return func(d *gateway.Deps) { d.Proxies = append(d.Proxies, netip.MustParsePrefix(cidr)) }
}

// token is a valid token of the user.
func (e *env) token(id int64) string {
	e.t.Helper()
	token, err := e.tokens.Issue(id, 0)
	if err != nil {
		e.t.Fatal(err)
	}
	return token
}

// request is one HTTP request of a test.
type request struct {
	method, path string
	query, form  url.Values
	multipart    url.Values
	body         io.Reader
	header       map[string]string
}

// answer is what came back.
type answer struct {
	*http.Response
	body []byte
	json map[string]any
}

func (a answer) code() int {
	n, ok := a.json["status_code"].(float64)
	if !ok {
		return -1
	}
	return int(n)
}

func (a answer) list(key string) []any {
	l, _ := a.json[key].([]any)
	return l
}

// do sends a request and reads the answer, JSON if it is that.
func (e *env) do(r request) answer {
	e.t.Helper()
	body, kind := r.body, ""
	switch {
	case r.form != nil:
		body, kind = strings.NewReader(r.form.Encode()), "application/x-www-form-urlencoded"
	case r.multipart != nil:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for k, vs := range r.multipart {
			for _, v := range vs {
				if err := w.WriteField(k, v); err != nil {
					e.t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			e.t.Fatal(err)
		}
		body, kind = &b, w.FormDataContentType()
	}
	target := e.url + r.path
	if r.query != nil {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(e.t.Context(), r.method, target, body)
	if err != nil {
		e.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for k, v := range r.header {
		if k == "Host" {
			req.Host = v
			continue
		}
		req.Header.Set(k, v)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		e.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer shut(resp.Body)
	a := answer{Response: resp}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		e.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	isJSON := strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
	if r.method != "HEAD" && isJSON && resp.Header.Get("Content-Encoding") == "" {
		if err := json.Unmarshal(a.body, &a.json); err != nil {
			e.t.Fatalf("%s %s: %v in %q", r.method, r.path, err, a.body)
		}
	}
	return a
}

func (e *env) get(path string, kv ...string) answer {
	e.t.Helper()
	return e.do(request{method: "GET", path: path, query: values(kv...)})
}

func (e *env) post(path string, kv ...string) answer {
	e.t.Helper()
	return e.do(request{method: "POST", path: path, query: values(kv...)})
}

func values(kv ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		v.Add(kv[i], kv[i+1])
	}
	return v
}

// wantCode checks the promise of every answer under /douyin.
func wantCode(t *testing.T, a answer, code int32) {
	t.Helper()
	if a.StatusCode != 200 || a.code() != int(code) {
		t.Errorf("answered %d %s, want status_code %d", a.StatusCode, a.body, code)
	}
	if msg, _ := a.json["status_msg"].(string); msg == "" {
		t.Errorf("no status_msg in %s", a.body)
	}
}

// connect opens a plain connection to the gateway, which the caller closes.
func connect(t *testing.T, e *env) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shut closes what was only read.
func shut(c io.Closer) { _ = c.Close() }

// send writes to a connection; one that is gone shows when the answer is read.
func send(t *testing.T, w io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		t.Log(err)
	}
}
