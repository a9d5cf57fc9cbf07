package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
	"tiktok/pkg/telemetry"
)

// AllInOne runs the all-in-one in this process, on a free port of loopback, and stops it when the test ends; a stop that
// is not clean fails the test.
func AllInOne(t testing.TB, opts ...Option) *Deployment {
	t.Helper()
	o := collect(t, opts)
	cfg := Settings(t, config.AllInOneProcess(), o.set)
	return launch(t, NameAllInOne, o, cfg, &inProcess{cfg: cfg, log: filepath.Join(t.TempDir(), "tiktok.log")})
}

// Settings are the validated settings of a process with these keys changed.
func Settings(t testing.TB, process config.Process, set map[string]string) config.Config {
	t.Helper()
	changed := make(map[string]any, len(set))
	for k, v := range set {
		changed[k] = v
	}
	cfg, err := config.Load("", nil, changed)
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.ForProcess(process)
	if err := cfg.Validate(process); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// inProcess is the all-in-one in the test's own process.
type inProcess struct {
	cfg config.Config
	log string

	addr   atomic.Pointer[string]
	cancel context.CancelFunc
	ended  chan error // what Run returned; nil while nothing runs
	file   *os.File
	tel    *telemetry.Telemetry
}

func (p *inProcess) start(ctx context.Context) error {
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	tel, err := telemetry.New(p.cfg.Telemetry, config.AllInOne, file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	a, err := app.Open(ctx, p.cfg, tel)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	addr := a.Addr()
	p.addr.Store(&addr)
	ready := make(chan struct{})
	a.OnReady(func() { close(ready) })
	rctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(rctx) }()
	p.file, p.tel, p.cancel, p.ended = file, tel, cancel, ended
	select {
	case <-ready:
		return nil
	case err := <-ended:
		ended <- err // for stop
		return fmt.Errorf("ended at once: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *inProcess) stop() error {
	if p.ended == nil {
		return nil
	}
	p.cancel()
	var err error
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case err = <-p.ended:
	case <-timer.C:
		err = fmt.Errorf("still running after %v", stopTimeout)
	}
	p.ended = nil
	p.tel.Close()
	return errors.Join(err, p.file.Close())
}

func (p *inProcess) url() string {
	if a := p.addr.Load(); a != nil {
		return "http://" + *a
	}
	return ""
}

func (p *inProcess) metrics() []string { return []string{p.url() + "/metrics"} }
func (p *inProcess) logs() []string    { return []string{p.log} }
