package lifecycle_test

import (
	"context"
	"testing"
	"time"

	"tiktok/pkg/lifecycle"
)

func TestPause(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, d := range []time.Duration{-1, 0, time.Millisecond} {
		if !lifecycle.Pause(t.Context(), d) {
			t.Errorf("after %v the context has ended", d)
		}
	}
	for _, d := range []time.Duration{-1, 0, time.Hour} {
		if lifecycle.Pause(ended, d) {
			t.Errorf("after %v an ended context goes on", d)
		}
	}
}
