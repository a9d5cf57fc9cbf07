package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"tiktok/pkg/telemetry"
)

func TestAdmin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var broken error
	tel, err := telemetry.New(telemetry.Config{LogLevel: "info", LogFormat: "text"}, "test", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := telemetry.ListenAdmin(ctx, "127.0.0.1:0", tel,
		[]telemetry.Check{
			{Name: "store", Ready: func(context.Context) error { return broken }},
			{Name: "tools", Info: func() string { return "none" }},
		})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- admin.Run(ctx) }()

	get := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("/healthz"); code != 200 || !strings.Contains(body, "ok") {
		t.Errorf("healthz: %d %s", code, body)
	}
	if code, body := get("/readyz"); code != 200 || body != "{\"store\":\"ok\",\"tools\":\"none\"}\n" {
		t.Errorf("readyz: %d %s", code, body)
	}
	broken = errors.New("dial tcp 10.1.2.3: refused")
	if code, body := get("/readyz"); code != 503 || strings.Contains(body, "10.1.2.3") {
		t.Errorf("readyz of a broken store: %d %s", code, body)
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, "go_goroutines") ||
		!strings.Contains(body, `tiktok_build_info{goversion="go`) {
		t.Errorf("metrics: %d %.80s", code, body)
	}
	if code, body := get("/"); code != 200 || !strings.Contains(body, `<h1>test</h1>`) || !strings.Contains(body, `href="/debug/pprof/"`) {
		t.Errorf("debug page: %d %s", code, body)
	}
	if code, _ := get("/nothing"); code != 404 {
		t.Errorf("an unknown page: %d", code)
	}
	if code, body := get("/debug/pprof/profile?seconds=1"); code != 200 || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("processor profile: %d %.80q", code, body)
	}
	if code, body := get("/debug/pprof/heap"); code != 200 || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("heap profile: %d %.80q", code, body)
	}
	put := func(level string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+admin.Addr()+"/loglevel?level="+level, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("/loglevel"); code != 200 || body != "{\"level\":\"info\"}\n" {
		t.Errorf("level: %d %s", code, body)
	}
	if code, _ := put("loud"); code != 400 || tel.Log.Enabled(ctx, slog.LevelDebug) {
		t.Errorf("an unknown level: %d", code)
	}
	if code, body := put("debug"); code != 200 || body != "{\"level\":\"debug\"}\n" || !tel.Log.Enabled(ctx, slog.LevelDebug) {
		t.Errorf("debug: %d %s", code, body)
	}
	if code, _ := put("error"); code != 200 || tel.Log.Enabled(ctx, slog.LevelWarn) {
		t.Errorf("error: %d", code)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}
