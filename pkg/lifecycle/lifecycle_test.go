package lifecycle_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/lifecycle"
)

// journal records what happened in which order.
type journal struct {
	mu   sync.Mutex
	list []string
}

func (j *journal) add(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.list = append(j.list, s)
}

func (j *journal) part(g *lifecycle.Group, name string, started chan<- struct{}) {
	g.Add(name, func(ctx context.Context) error {
		started <- struct{}{}
		<-ctx.Done()
		j.add("end " + name)
		return nil
	}, func() error { j.add("close " + name); return nil })
}

func TestStopsInReverse(t *testing.T) {
	var g lifecycle.Group
	var j journal
	started := make(chan struct{}, 2)
	j.part(&g, "a", started)
	j.part(&g, "b", started)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, time.Minute, slog.New(slog.DiscardHandler)) }()
	<-started
	<-started
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if want := []string{"end b", "close b", "end a", "close a"}; !slices.Equal(j.list, want) {
		t.Fatalf("got %v, want %v", j.list, want)
	}
}

func TestFirstFailureStopsAll(t *testing.T) {
	var g lifecycle.Group
	var j journal
	started := make(chan struct{}, 1)
	j.part(&g, "a", started)
	boom := errors.New("boom")
	g.Add("b", func(context.Context) error { <-started; return boom }, nil)
	err := g.Run(t.Context(), time.Minute, slog.New(slog.DiscardHandler))
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "b: boom") {
		t.Fatalf("got %v", err)
	}
	if want := []string{"end a", "close a"}; !slices.Equal(j.list, want) {
		t.Fatalf("got %v, want %v", j.list, want)
	}
}

func TestOneDeadlineForAll(t *testing.T) {
	var g lifecycle.Group
	stuck := make(chan struct{})
	defer close(stuck)
	g.Add("stuck", func(context.Context) error { <-stuck; return nil }, nil)
	g.Add("fails", func(context.Context) error { return errors.New("boom") }, nil)
	err := g.Run(t.Context(), 10*time.Millisecond, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "not stopped within") {
		t.Fatalf("got %v", err)
	}
}
