package logx

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSample(t *testing.T) {
	var buf bytes.Buffer
	now, dropped := time.Unix(1_700_000_000, 0), 0
	plain, err := New(&buf, slog.LevelInfo, "text")
	if err != nil {
		t.Fatal(err)
	}
	log := sample(plain, func() { dropped++ }, func() time.Time { return now })
	lines := func() []string {
		defer buf.Reset()
		return strings.Split(strings.TrimSpace(buf.String()), "\n")
	}
	flood := func(n int) {
		for i := range n {
			log.With("k", i).Warn("bad request", "i", i) // whatever stands beside the message, it is of one kind
		}
	}
	flood(1000)
	log.Error("bad request") // of another kind
	log.Warn("other")
	if got := lines(); len(got) != sampleBurst+2 || dropped != 1000-sampleBurst {
		t.Errorf("%d lines, %d dropped", len(got), dropped)
	}
	now = now.Add(time.Second)
	flood(50)
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], fmt.Sprintf("suppressed=%d", 1000-sampleBurst)) {
		t.Errorf("a second later: %q", got)
	}
	now = now.Add(time.Hour)
	flood(20)
	if got := lines(); len(got) != sampleBurst || !strings.Contains(got[0], "suppressed=49") || strings.Contains(got[1], "suppressed") {
		t.Errorf("an hour later: %q", got)
	}
	now = now.Add(-time.Hour) // a clock that is set back must not stop the log
	flood(1)
	now = now.Add(time.Second)
	buf.Reset()
	flood(1)
	if got := lines(); !strings.Contains(got[0], "bad request") {
		t.Errorf("after the clock was set back: %q", got)
	}
}

func TestSampleKeepsLittle(t *testing.T) {
	plain, err := New(&bytes.Buffer{}, slog.LevelInfo, "text")
	if err != nil {
		t.Fatal(err)
	}
	log := Sample(plain, nil)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				log.Warn(fmt.Sprint(g, " ", i)) //nolint:sloglint // what nobody should do
			}
		})
	}
	wg.Wait()
	s, ok := log.Handler().(sampler)
	if !ok || len(s.all.kinds) > maxKinds+1 {
		t.Errorf("%d kinds are kept", len(s.all.kinds))
	}
}

func TestCut(t *testing.T) {
	if Cut("abc", 3) != "abc" || Cut("abcd", 3) != "abc…" {
		t.Error(Cut("abc", 3), Cut("abcd", 3))
	}
}
