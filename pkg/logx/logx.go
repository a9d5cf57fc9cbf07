// Package logx builds the process's logger and carries the request id from the gateway to every log line.
package logx

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/bytedance/gopkg/cloud/metainfo"

	"tiktok/pkg/tracing"
)

// requestIDKey travels with every RPC as a persistent value, so one id marks a request's lines in all services.
const requestIDKey = "REQUEST_ID"

// WithRequestID marks ctx, and every RPC made with it, with a request id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return metainfo.WithPersistentValue(ctx, requestIDKey, id)
}

// RequestID returns the id that WithRequestID set in this or a calling process, empty without one.
func RequestID(ctx context.Context) string {
	id, _ := metainfo.GetPersistentValue(ctx, requestIDKey)
	return id
}

// New returns a logger that writes records of at least level to w; a *slog.LevelVar can be changed while it runs. format is
// text or json. A record made with a request's context has its request_id and, with traces on, its trace_id.
func New(w io.Writer, level slog.Leveler, format string) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(handler{slog.NewJSONHandler(w, opts)}), nil
	case "text":
		return slog.New(handler{slog.NewTextHandler(w, opts)}), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// ParseLevel returns the level of that name: debug, info, warn or error, case-insensitive.
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToLower(name) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log level %q: want debug, info, warn or error", name)
}

// maxLine bounds a library's line, in bytes: enough for the stack of a panic.
const maxLine = 8 << 10

// Lines returns an io.Writer for libraries that print lines: each becomes a warning with the library's name, cut at 8 KiB.
func Lines(log *slog.Logger, library string) io.Writer { return lines{log.With("library", library)} }

type lines struct{ log *slog.Logger }

func (l lines) Write(p []byte) (int, error) {
	l.log.Warn("a library says", "line", Cut(strings.TrimSpace(string(p)), maxLine))
	return len(p), nil
}

// handler adds the ids of the record's context.
type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if id := tracing.ID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(as []slog.Attr) slog.Handler { return handler{h.Handler.WithAttrs(as)} }

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }
