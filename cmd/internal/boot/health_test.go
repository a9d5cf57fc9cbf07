package boot

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tiktok/config"
)

// A healthcheck asks where the process listens, by the settings that the process itself has.
func TestHealthcheck(t *testing.T) {
	sick := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && sick || r.URL.Path != "/readyz" && r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"store":"unavailable"}`))
		}
	}))
	addr := srv.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(service, flag string, environ ...string) (string, error) {
		var out bytes.Buffer
		p, done, err := load(t.Context(), process(service), []string{flag}, environ, &out, flags())
		if p != nil || !done {
			t.Errorf("%s %s %v: there is something to run", service, flag, environ)
		}
		return out.String(), err
	}
	well := []struct {
		service, flag string
		environ       []string
	}{
		{"user", "-healthcheck", []string{"TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=" + addr}},
		{"user", "-healthcheck=ready", []string{"TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=:" + port}},
		{config.AllInOne, "-healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:" + port}},
		{config.AllInOne, "-healthcheck", []string{"TIKTOK_GATEWAY_ADDR=0.0.0.0:" + port}},
		{config.AllInOne, "-healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=" + addr}},
		{config.AllInOne, "-healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:" + port, "HTTP_PROXY=http://127.0.0.1:1"}},
	}
	for _, c := range well {
		if out, err := ask(c.service, c.flag, c.environ...); err != nil {
			t.Errorf("%s %s %v: %v %s", c.service, c.flag, c.environ, err, out)
		}
	}
	sick = true
	var unhealthy unhealthyError
	out, err := ask(config.AllInOne, "-healthcheck=ready", "TIKTOK_GATEWAY_ADDR="+addr)
	if !errors.As(err, &unhealthy) || !strings.Contains(out, `"store":"unavailable"`) {
		t.Errorf("not ready: %v %s", err, out)
	}
	if _, err := ask(config.AllInOne, "-healthcheck", "TIKTOK_GATEWAY_ADDR="+addr); err != nil {
		t.Errorf("a process that is not ready lives: %v", err)
	}
	srv.Close()
	if _, err := ask(config.AllInOne, "-healthcheck", "TIKTOK_GATEWAY_ADDR="+addr); !errors.As(err, &unhealthy) {
		t.Errorf("nobody listens: %v", err)
	}
	if out, err := ask(config.AllInOne, "-healthcheck=nonsense"); err == nil || errors.As(err, &unhealthy) || !strings.Contains(out, "nonsense") {
		t.Errorf("nonsense: %v %s", err, out)
	}
	if out, err := ask("user", "-healthcheck"); err == nil || errors.As(err, &unhealthy) || !strings.Contains(out, "rpc.registry") {
		t.Errorf("bad settings: %v %s", err, out)
	}
}

// A process that accepts and never answers is not well, and the question ends.
func TestHealthcheckOfAHangingProcess(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	cfg := config.Default()
	cfg.Gateway.Addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- probe(ctx, cfg, "/healthz") }()
	var unhealthy unhealthyError
	if err := <-done; !errors.As(err, &unhealthy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
