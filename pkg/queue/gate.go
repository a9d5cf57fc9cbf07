package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// gate says whether the broker takes messages. It is open while it does; the log says when it is shut and opened.
type gate struct {
	log *slog.Logger

	mu      sync.Mutex
	isShut  bool
	shut    chan struct{} // closed while the gate is shut
	cause   error         // why it is, or was last
	since   time.Time     // when it was shut
	refused int           // messages since then
}

func newGate(log *slog.Logger) *gate {
	g := &gate{log: log, isShut: true, shut: make(chan struct{}), cause: errNotConnected, since: time.Now()}
	close(g.shut)
	return g
}

// state returns a channel that is closed when the gate is shut, and why it is, nil if it is open.
func (g *gate) state() (shut <-chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.isShut {
		err = unavailable(g.cause)
	}
	return g.shut, err
}

// why is the error of who finds the gate shut, even if it has been opened since.
func (g *gate) why() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return unavailable(g.cause)
}

// refuse counts a message that the broker did not take.
func (g *gate) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused++
}

// close shuts the gate, or changes the cause.
func (g *gate) close(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cause = cause
	if g.isShut {
		return
	}
	g.isShut, g.since, g.refused = true, time.Now(), 0
	close(g.shut)
	if !errors.Is(cause, errEnding) {
		g.log.Warn("RabbitMQ does not take writes", "reason", reason(cause), "err", cause)
	}
}

// open opens the gate if it was shut for this cause; nil means any.
func (g *gate) open(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.isShut || cause != nil && !errors.Is(g.cause, cause) {
		return
	}
	g.isShut, g.shut = false, make(chan struct{})
	g.log.Info("RabbitMQ takes writes", "refused", g.refused, "after", time.Since(g.since).Round(time.Millisecond))
}

func unavailable(cause error) error { return fmt.Errorf("%w: %w", ErrUnavailable, cause) }
