package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"tiktok/config"
)

// Variables that describe a deployment that somebody else started, in containers for example. The settings by which its
// stores are reached are TIKTOK_… variables as for every process.
const (
	envURL   = "TIKTOK_TEST_URL"   // where its gateway answers
	envStop  = "TIKTOK_TEST_STOP"  // a shell command that stops it
	envStart = "TIKTOK_TEST_START" // a shell command that starts it again
)

// NameRemote is a deployment that ran already.
const NameRemote = "remote"

// Remote is the deployment that TIKTOK_TEST_URL names; the test is skipped without one. It is left running, with all that
// the tests put into it.
func Remote(t testing.TB) *Deployment {
	t.Helper()
	h := &remote{address: os.Getenv(envURL)}
	if h.address == "" {
		t.Skip(envURL + " is not set")
	}
	cfg, err := config.Load("", os.Environ(), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &Deployment{Name: NameRemote, Config: cfg, host: h, http: newHTTPClient()}
	t.Cleanup(d.http.CloseIdleConnections)
	h.running = true
	d.start(t)
	return d
}

// remote is a deployment behind commands.
type remote struct {
	address string
	running bool
}

func (r *remote) start(ctx context.Context) error {
	if r.running {
		return nil
	}
	if err := shell(ctx, envStart); err != nil {
		return err
	}
	r.running = true
	return nil
}

func (r *remote) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	r.running = false
	return shell(ctx, envStop)
}

func (r *remote) url() string       { return r.address }
func (r *remote) metrics() []string { return nil }
func (r *remote) logs() []string    { return nil }

// shell runs the command that a variable holds.
func shell(ctx context.Context, variable string) error {
	out, err := exec.CommandContext(ctx, "sh", "-c", os.Getenv(variable)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", variable, err, out)
	}
	return nil
}
