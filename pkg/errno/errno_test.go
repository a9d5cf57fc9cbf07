package errno_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudwego/kitex/pkg/kerrors"

	"tiktok/pkg/errno"
)

// state is an error that tells by its methods what it means for a write.
type state struct{ away, unknown bool }

func (state) Error() string          { return "connection lost" }
func (s state) Unavailable() bool    { return s.away }
func (s state) OutcomeUnknown() bool { return s.unknown }

func TestFrom(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want *errno.Error
	}{
		"own":           {errno.VideoNotFound, errno.VideoNotFound},
		"wrapped":       {fmt.Errorf("like 7: %w", errno.VideoNotFound), errno.VideoNotFound},
		"over a wire":   {kerrors.NewBizStatusError(10301, "video does not exist"), errno.VideoNotFound},
		"timeout":       {fmt.Errorf("query: %w", context.DeadlineExceeded), errno.Unavailable},
		"rpc timeout":   {kerrors.ErrRPCTimeout.WithCause(errors.New("x")), errno.Unavailable},
		"no instance":   {kerrors.ErrServiceDiscovery.WithCause(errors.New("x")), errno.Unavailable},
		"away":          {fmt.Errorf("query: %w", state{away: true}), errno.Unavailable},
		"not away":      {fmt.Errorf("query: %w", state{}), errno.Internal},
		"unknown":       {fmt.Errorf("commit: %w", state{away: true, unknown: true}), errno.OutcomeUnknown},
		"unknown, late": {fmt.Errorf("commit: %w: %w", state{unknown: true}, context.DeadlineExceeded), errno.OutcomeUnknown},
		"anything":      {errors.New("SELECT secret"), errno.Internal},
		"with details":  {errno.InvalidArgument.With("title is blank"), errno.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if got := errno.From(c.err); !errors.Is(got, c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
	if errno.From(nil) != nil {
		t.Fatal("no error became one")
	}
	if got := errno.From(errno.InvalidArgument.With("title is blank")); got.Msg != "title is blank" {
		t.Fatalf("text lost: %q", got.Msg)
	}
}

func TestCodesAreUniqueAndDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int32]string{}
	for _, e := range errno.All() {
		if other, ok := seen[e.Code]; ok {
			t.Errorf("%d is both %q and %q", e.Code, e.Msg, other)
		}
		seen[e.Code] = e.Msg
		if row := fmt.Sprintf("| %d | %s |", e.Code, e.Msg); !strings.Contains(string(doc), row) {
			t.Errorf("docs/api.md has no row %q", row)
		}
	}
	if n := strings.Count(string(source), "&Error{"); n != len(seen) {
		t.Errorf("codes.go defines %s errors, All lists %d", strconv.Itoa(n), len(seen))
	}
}

// 500 is for faults of ours and for codes of newer services; every other code has a status of its own choice.
func TestEveryCodeHasAStatus(t *testing.T) {
	for _, e := range errno.All() {
		switch got := e.Status(); {
		case (got == http.StatusInternalServerError) != (e == errno.Internal):
			t.Errorf("%v has the status %d", e, got)
		case got < 400 || got > 599 || http.StatusText(got) == "":
			t.Errorf("%v has the status %d", e, got)
		case e.With("more exact").Status() != got:
			t.Errorf("another text gives %v another status", e)
		}
	}
	if got := (&errno.Error{Code: 19999}).Status(); got != http.StatusInternalServerError {
		t.Errorf("an unknown code has the status %d", got)
	}
}
