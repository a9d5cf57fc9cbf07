package boot

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/hertz/pkg/protocol"
)

// Hertz prints the whole address of a request that it can not make sense of.
func TestHertzLinesHoldNothingOfClients(t *testing.T) {
	var buf bytes.Buffer
	hlog.SetOutput(places{slog.New(slog.NewTextHandler(&buf, nil))})
	defer hlog.SetOutput(io.Discard)
	var u protocol.URI
	u.Parse(nil, []byte("://x/douyin/feed/?token=eyJhbGciOi"))
	hlog.SystemLogger().Errorf("error when reading request headers: %s", "Authorization : Bearer eyJhbGciOi")
	got := buf.String()
	if strings.Contains(got, "eyJ") || strings.Contains(got, "Bearer") {
		t.Errorf("a token is in the log: %s", got)
	}
	if !strings.Contains(got, "at=uri_unix.go:") || !strings.Contains(got, "at=places_test.go:") ||
		!strings.Contains(got, "hertz_level=Error") {
		t.Errorf("log: %s", got)
	}
}
