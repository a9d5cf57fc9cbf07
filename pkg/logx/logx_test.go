package logx_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"tiktok/pkg/logx"
)

func TestRequestIDIsInEveryLine(t *testing.T) {
	var buf bytes.Buffer
	log, err := logx.New(&buf, "info", "json")
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

func TestNewRefusesUnknownNames(t *testing.T) {
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}} {
		if _, err := logx.New(&bytes.Buffer{}, c[0], c[1]); err == nil {
			t.Errorf("level %q format %q was accepted", c[0], c[1])
		}
	}
}

func TestLinesBecomeWarnings(t *testing.T) {
	var buf bytes.Buffer
	log, err := logx.New(&buf, "warn", "text")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := logx.Lines(log, "lib").Write([]byte("something broke\n")); err != nil {
		t.Fatal(err)
	}
	if got := buf.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "library=lib") || !strings.Contains(got, "something broke") {
		t.Fatalf("log line %q", got)
	}
}
