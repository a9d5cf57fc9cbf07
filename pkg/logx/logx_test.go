package logx_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"tiktok/pkg/logx"
)

func TestRequestIDIsInEveryLine(t *testing.T) {
	var buf bytes.Buffer
	log, err := logx.New(&buf, slog.LevelInfo, "json")
	if err != nil {
		t.Fatal(err)
	}
	ctx := logx.WithRequestID(context.Background(), "abc-1")
	log.With("k", "v").WithGroup("g").InfoContext(ctx, "hello")
	log.DebugContext(ctx, "hidden")
	if got := buf.String(); !strings.Contains(got, "abc-1") || strings.Contains(got, "hidden") {
		t.Fatalf("log line %q", got)
	}
	if logx.RequestID(context.Background()) != "" {
		t.Fatal("an id came from nowhere")
	}
}

func TestRefusesUnknownNames(t *testing.T) {
	if _, err := logx.New(&bytes.Buffer{}, slog.LevelInfo, "xml"); err == nil {
		t.Error("format xml was accepted")
	}
	for _, name := range []string{"loud", "", "INFO+1"} {
		if l, err := logx.ParseLevel(name); err == nil {
			t.Errorf("level %q was taken for %v", name, l)
		}
	}
	for _, name := range []string{"debug", "info", "warn", "error"} {
		if l, err := logx.ParseLevel(name); err != nil || !strings.EqualFold(l.String(), name) {
			t.Errorf("level %q: %v, %v", name, l, err)
		}
	}
}

func TestLevelChangesWhileItRuns(t *testing.T) {
	var buf bytes.Buffer
	var level slog.LevelVar
	log, err := logx.New(&buf, &level, "text")
	if err != nil {
		t.Fatal(err)
	}
	log = log.With("k", "v") // made before the change
	log.Debug("one")
	level.Set(slog.LevelDebug)
	log.Debug("two")
	level.Set(slog.LevelError)
	log.Warn("three")
	if got := buf.String(); strings.Contains(got, "one") || !strings.Contains(got, "two") || strings.Contains(got, "three") {
		t.Fatalf("log %q", got)
	}
}

func TestLinesBecomeWarnings(t *testing.T) {
	var buf bytes.Buffer
	log, err := logx.New(&buf, slog.LevelWarn, "text")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logx.Lines(log, "lib").Write([]byte("something broke\n")); err != nil {
		t.Fatal(err)
	}
	if got := buf.String(); !strings.Contains(got, "level=WARN") ||
		!strings.Contains(got, "library=lib") || !strings.Contains(got, "something broke") {
		t.Fatalf("log line %q", got)
	}
}
