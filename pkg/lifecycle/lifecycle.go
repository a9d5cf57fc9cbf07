// Package lifecycle runs the parts of a process together and stops them in reverse order.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

type part struct {
	name  string
	run   func(context.Context) error
	close func() error
}

// Group is an ordered set of parts. The zero value is ready for use.
type Group struct{ parts []part }

// Add appends a part that depends only on parts added before it. run blocks until its context ends, nil for a part
// without work of its own; close releases what the part holds once run has returned, nil when there is nothing.
func (g *Group) Add(name string, run func(context.Context) error, close func() error) {
	g.parts = append(g.parts, part{name, run, close})
}

// Close closes all parts in reverse without running them, for a start that failed half-way.
func (g *Group) Close() error {
	var errs []error
	for _, p := range slices.Backward(g.parts) {
		errs = append(errs, closePart(p))
	}
	return errors.Join(errs...)
}

// Run runs every part until ctx ends or the first one fails, then stops them one by one in reverse: it cancels the part's
// context, waits for run, and closes it. timeout bounds the whole stop; parts that still run then are reported and abandoned.
func (g *Group) Run(ctx context.Context, timeout time.Duration, log *slog.Logger) error {
	type exit struct {
		name string
		err  error
	}
	exits := make(chan exit, len(g.parts))
	cancels := make([]context.CancelFunc, len(g.parts))
	running := make([]chan struct{}, len(g.parts))
	for i, p := range g.parts {
		pctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels[i], running[i] = cancel, make(chan struct{})
		go func() {
			defer close(running[i])
			if p.run != nil {
				exits <- exit{p.name, p.run(pctx)}
			}
		}()
	}
	var errs []error
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case e := <-exits:
		if e.err == nil {
			e.err = errors.New("ended by itself")
		}
		log.Error("stopping", "part", e.name, "err", e.err)
		errs = append(errs, fmt.Errorf("%s: %w", e.name, e.err))
	}
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for i := len(g.parts) - 1; i >= 0; i-- {
		cancels[i]()
		select {
		case <-running[i]:
			errs = append(errs, closePart(g.parts[i]))
		case <-deadline.C:
			for ; i >= 0; i-- {
				cancels[i]()
			}
			return errors.Join(append(errs, fmt.Errorf("not stopped within %v", timeout))...)
		}
	}
	return errors.Join(errs...)
}

func closePart(p part) error {
	if p.close == nil {
		return nil
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("close %s: %w", p.name, err)
	}
	return nil
}
