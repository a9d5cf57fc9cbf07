package deadline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tiktok/pkg/deadline"
)

// unheard is a context whose timer has not fired.
type unheard struct {
	context.Context
	at time.Time
}

func (u unheard) Deadline() (time.Time, bool) { return u.at, true }

func TestCheck(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		want   error
		passed bool
	}{
		"no deadline":               {t.Context(), nil, false},
		"later":                     {unheard{t.Context(), time.Now().Add(time.Hour)}, nil, false},
		"passed, the timer waits":   {unheard{t.Context(), time.Now().Add(-time.Millisecond)}, context.DeadlineExceeded, true},
		"passed, by time of day":    {unheard{t.Context(), time.UnixMilli(time.Now().UnixMilli() - 1)}, context.DeadlineExceeded, true},
		"ended before its deadline": {unheard{ended, time.Now().Add(time.Hour)}, context.Canceled, false},
	} {
		if err := deadline.Check(c.ctx); !errors.Is(err, c.want) || deadline.Passed(c.ctx) != c.passed {
			t.Errorf("%s: %v, passed: %v", name, err, deadline.Passed(c.ctx))
		}
	}
}
