// Package harness starts the product, in one process or as the eight processes on real servers, and uses it the way the
// mobile client does. A scenario is written once, against a Deployment, and runs on both.
package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

// Names of the two deployments.
const (
	NameAllInOne    = "all-in-one"
	NameDistributed = "distributed"
)

// startTimeout bounds a start, migrations and registration included; stopTimeout a graceful stop. Both leave room for
// the race detector on a busy machine.
const (
	startTimeout = 90 * time.Second
	stopTimeout  = 40 * time.Second
)

// Deployment is the product, running. Its methods may be used from several goroutines, those that start or stop it may
// not.
type Deployment struct {
	// Name is NameAllInOne or NameDistributed.
	Name string
	// Config is what it runs with; in the distributed deployment, what the gateway's process runs with.
	Config config.Config

	host    host
	http    *http.Client
	observe func(testing.TB, Request, Answer)

	mu     sync.Mutex
	people []*User // guarded by mu
	names  int     // guarded by mu
}

// host is where the processes are.
type host interface {
	start(ctx context.Context) error
	// stop asks for a graceful stop and returns what was not clean about it.
	stop() error
	// url is where the gateway answers, without a slash at the end.
	url() string
	// metrics are the addresses of all /metrics.
	metrics() []string
	// logs are the files that the processes log to.
	logs() []string
}

// Option changes how a deployment is started.
type Option func(*options)

type options struct {
	set     map[string]string
	dir     string
	observe func(testing.TB, Request, Answer)
	certs   string // a folder that tiktok certs made, empty for none
	// files is how many the process may have open, 0 for as many as the system lets it.
	files int
	// programs is a folder of built programs, "" for those of the test run.
	programs string
	// beside names a distributed deployment that runs beside another one, "" for the only one.
	beside string
	// replicas is how many processes of each kind a distributed deployment has.
	replicas int
	// front puts something before a process, nil for nothing.
	front func(name, inside, outside string)
}

// Replicas is how many processes of each kind a distributed deployment has, gateways too: user, user-2, … Without it there is one of
// each. Requests of the deployment's users go to the first gateway.
func Replicas(n int) Option { return func(o *options) { o.replicas = n } }

// Behind puts something before every process of a distributed deployment: front gets the name of the process, the address, host:port,
// at which it listens for calls or requests, and the one at which others are told to reach it, where front has to listen.
func Behind(front func(name, inside, outside string)) Option {
	return func(o *options) { o.front = front }
}

// Programs is the folder of the programs that are started, of another revision for example.
func Programs(dir string) Option { return func(o *options) { o.programs = dir } }

// Beside starts a distributed deployment beside another one of the same test, which it must not outlive: name keeps its
// schemas, queues and services apart. Redis has room for one.
func Beside(name string) Option { return func(o *options) { o.beside = name } }

// Files is how many files and connections the process may have open; only AllInOneProcess minds it.
func Files(n int) Option { return func(o *options) { o.files = n } }

// certificate is the settings of mutual TLS for a process of that name.
func (o options) certificate(name string) map[string]string {
	if o.certs == "" {
		return nil
	}
	file := func(f string) string { return filepath.Join(o.certs, name, f) }
	return map[string]string{"rpc.tls.ca": file("ca.crt"), "rpc.tls.cert": file("tls.crt"), "rpc.tls.key": file("tls.key")}
}

// MutualTLS makes the eight processes call each other with the certificates that tiktok certs made in a folder.
func MutualTLS(certs string) Option { return func(o *options) { o.certs = certs } }

// Set gives a config key (as in config.example.yaml, "gateway.feed_size") another value, in every process.
func Set(key, value string) Option { return func(o *options) { o.set[key] = value } }

// Dir is the data folder; without it each deployment gets a fresh one.
func Dir(path string) Option { return func(o *options) { o.dir = path } }

// WithoutLimits switches all request limits off, for tests that storm from one address.
func WithoutLimits() Option {
	return func(o *options) {
		for _, rule := range []string{
			"read_addr", "write_addr", "register_addr", "login_addr", "login_failures", "login_account", "publish_addr", "publish_user",
			"read_user", "write_user", "chat_user",
		} {
			o.set["limits."+rule+".rate"] = "0"
		}
	}
}

// Observe is called with every exchange of the deployment, from the goroutine that made it.
func Observe(f func(testing.TB, Request, Answer)) Option { return func(o *options) { o.observe = f } }

// Each runs the scenarios on both deployments, each started once. The distributed one is skipped without servers.
func Each(t *testing.T, opts []Option, scenarios func(t *testing.T, d *Deployment)) {
	t.Run(NameAllInOne, func(t *testing.T) { scenarios(t, AllInOne(t, opts...)) })
	t.Run(NameDistributed, func(t *testing.T) { scenarios(t, Distributed(t, opts...)) })
}

// collect applies opts to the harness's own settings: no demo content, loopback only, covers drawn (a frame by ffmpeg
// takes a fifth of a second for each upload), and for tests that have ffmpeg no work on videos that play already.
func collect(t testing.TB, opts []Option) options {
	o := options{set: map[string]string{
		"gateway.addr": "127.0.0.1:0", "demo.enabled": "false", "media.ffmpeg": "off", "media.background": "false",
	}}
	for _, opt := range opts {
		opt(&o)
	}
	if o.dir == "" {
		o.dir = filepath.Join(t.TempDir(), "data")
	}
	o.set["data_dir"] = o.dir
	return o
}

// launch starts the host, fails the test when that does not work, and stops it when the test ends.
func launch(t testing.TB, name string, o options, cfg config.Config, h host) *Deployment {
	t.Helper()
	d := &Deployment{Name: name, Config: cfg, host: h, observe: o.observe, http: newHTTPClient()}
	t.Cleanup(func() {
		d.http.CloseIdleConnections()
		d.stop(t)
		if t.Failed() {
			d.printLogs(t)
		}
	})
	d.start(t)
	return d
}

func (d *Deployment) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := d.host.start(ctx); err != nil {
		t.Fatalf("start %s: %v", d.Name, err)
	}
	// The gateway is ready before it has found the services that it can do without.
	Eventually(t, startTimeout, func() error { return d.complete(ctx) })
}

// complete returns an error unless the gateway reports that every part is ready.
func (d *Deployment) complete(ctx context.Context) error {
	a, err := d.send(ctx, Request{Method: http.MethodGet, Path: "/readyz"})
	if err != nil {
		return err
	}
	var parts map[string]string
	if err := json.Unmarshal(a.Raw, &parts); err != nil {
		return err
	}
	for name, state := range parts {
		if state != "ok" && name != "media_tools" { // that one describes
			return fmt.Errorf("%s is %s", name, state)
		}
	}
	if len(parts) == 0 {
		return errors.New("/readyz reports no parts")
	}
	return nil
}

func (d *Deployment) stop(t testing.TB) {
	t.Helper()
	if err := d.host.stop(); err != nil {
		t.Errorf("stop %s: %v", d.Name, err)
	}
}

// URL is where the gateway answers, without a slash at the end. It may change with Restart.
func (d *Deployment) URL() string { return d.host.url() }

// Start starts every process again after Stop, on the same data.
func (d *Deployment) Start(t testing.TB) {
	t.Helper()
	d.start(t)
}

// Stop stops every process gracefully and fails the test when one does not end cleanly.
func (d *Deployment) Stop(t testing.TB) {
	t.Helper()
	d.http.CloseIdleConnections()
	d.stop(t)
}

// settles bounds how long after the last answer notices may be on their way.
const settles = 30 * time.Second

// Audit recounts every counter of every service and fails the test when one is not what its list says, or when notices are not what
// they are made of. What others are told comes a moment after the answer, so it looks again for a while.
func (d *Deployment) Audit(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(settles); ; {
		err := d.Recount(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) || !Until(t.Context(), time.Now().Add(100*time.Millisecond)) {
			t.Error(err)
			return
		}
	}
}

// Recount recounts every counter of every service, and returns an error that names those that are not what their lists
// say.
func (d *Deployment) Recount(ctx context.Context) error {
	var wrong []string
	n, err := app.Audit(
		ctx,
		d.Config,
		app.Auditing{Report: func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }},
	)
	if n > 0 {
		err = errors.Join(err, fmt.Errorf("%d counters are wrong: %q", n, wrong))
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Logs is what all processes have logged so far.
func (d *Deployment) Logs(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	for _, name := range d.host.logs() {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// logTail is how much of each log is shown when a test failed.
const logTail = 6 << 10

func (d *Deployment) printLogs(t testing.TB) {
	for _, name := range d.host.logs() {
		b, err := os.ReadFile(name)
		if err != nil || len(b) == 0 {
			continue
		}
		b = b[max(0, len(b)-logTail):]
		t.Logf("end of %s:\n%s", filepath.Base(name), b)
	}
}

// RepoRoot is the folder of go.mod.
func RepoRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// TestData is a file of test/testdata.
func TestData(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(RepoRoot(t), "test", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
