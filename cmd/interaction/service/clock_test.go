package service

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
)

// A user likes through one replica and takes it back through another, whose clock is behind: as soon as that one has
// shown or applied anything of the like, the unlike is the newer of the two.
func TestClockBehind(t *testing.T) {
	for name, see := range map[string]func(r *twoReplicas, user, videoID int64){
		"seen pending":     func(r *twoReplicas, user, videoID int64) { r.b.videoStats(t, user, videoID) },
		"seen in the list": func(r *twoReplicas, user, _ int64) { r.b.favorites(t, user, 0) },
		"seen stored": func(r *twoReplicas, user, videoID int64) {
			if err := r.a.apply(t.Context(), r.queue.take(1)); err != nil {
				t.Error(err)
			}
			r.b.videoStats(t, user, videoID)
		},
		"applied": func(r *twoReplicas, _, _ int64) {
			if err := r.b.apply(t.Context(), r.queue.take(1)); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onReplicas(t, func(t *testing.T, r *twoReplicas) {
				const user = 101
				v := videoOf(1, 1)
				// Ahead by a few seconds: the other one is behind.
				ahead := id.New(2)
				for range 3 * 1000 * 128 {
					idtest.Next(ahead)
				}
				r.a.ids, r.b.ids = ahead, id.New(1)
				r.a.like(t, user, v)
				see(r, user, v)
				r.b.unlike(t, user, v)
				same(t, "after the unlike", seenVideo{}, r.a.videoStats(t, user, v))
				for r.deliver(t, 1) {
					continue
				}
				same(t, "stored", seenVideo{}, r.a.videoStats(t, user, v))
				r.a.audited(t)
			})
		})
	}
}

func TestCompareClock(t *testing.T) {
	var log bytes.Buffer
	// Not running: that would compare, too.
	f := New(Deps{Log: slog.New(slog.NewTextHandler(&log, nil)), Metrics: prometheus.NewRegistry()})
	says := func(offset time.Duration, err error) {
		f.compareClock(t.Context(), func(context.Context) (time.Duration, error) { return offset, err })
	}
	says(-100*time.Millisecond, nil)
	if log.Len() > 0 || testutil.ToFloat64(f.clockOffset) != -0.1 {
		t.Errorf("100 ms: %v, log %q", testutil.ToFloat64(f.clockOffset), log.String())
	}
	says(0, errors.New("away"))
	if log.Len() > 0 || testutil.ToFloat64(f.clockOffset) != -0.1 {
		t.Errorf("no answer: %v, log %q", testutil.ToFloat64(f.clockOffset), log.String())
	}
	says(-2*time.Second, nil)
	if !strings.Contains(log.String(), "offset_ms=-2000") || testutil.ToFloat64(f.clockOffset) != -2 {
		t.Errorf("2 s: %v, log %q", testutil.ToFloat64(f.clockOffset), log.String())
	}
}
