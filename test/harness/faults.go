package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/ostest"
)

// Try is Do for tests that break something: what comes back may be no answer at all. Observe does not see it.
func (d *Deployment) Try(ctx context.Context, r Request) (Answer, error) { return d.try(ctx, r) }

// Try does something at an endpoint with the user's token. An error means that there was no answer with an envelope.
func (u *User) Try(ctx context.Context, method, path string, pairs ...any) (Answer, error) {
	return u.d.try(ctx, Request{Method: method, Path: path, Query: u.params(pairs...)})
}

// AllInOneProcess runs the all-in-one as a real process that can be killed, on a port that it keeps.
func AllInOneProcess(t testing.TB, opts ...Option) *Deployment {
	t.Helper()
	o := collect(t, opts)
	address := FreePort(t)
	o.set["gateway.addr"] = address
	bin := program(t, o.programs)
	p := &process{
		name: config.AllInOne, bin: bin, log: filepath.Join(t.TempDir(), config.AllInOne+".log"),
		env: environ(o.set), admin: "http://" + cmp.Or(o.set["telemetry.admin_addr"], address),
	}
	if o.files > 0 {
		p.bin, p.args = "/bin/sh", []string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0"`, o.files), bin}
	}
	h := &processes{logDir: filepath.Dir(p.log), address: address, all: []*process{p}}
	return launch(t, NameAllInOne, o, Settings(t, config.AllInOneProcess(), o.set), h)
}

// Kill ends a process of the deployment as kill -9 does. It stays away until Revive.
func (d *Deployment) Kill(t testing.TB, name string) {
	t.Helper()
	if err := d.process(t, name).kill(); err != nil {
		t.Fatalf("kill %s: %v", name, err)
	}
}

// Revive starts a process again that was killed, and waits until it is ready.
func (d *Deployment) Revive(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := d.process(t, name).startAndWait(ctx); err != nil {
		t.Fatalf("start again: %v", err)
	}
}

// AddReplica runs one more process of a service, on ports of its own, waits until it is ready, and returns its name for
// Kill and Revive. It ends with the deployment.
func (d *Deployment) AddReplica(t testing.TB, service string) string {
	t.Helper()
	first := d.process(t, service)
	h := d.host.(*processes)
	n := 1
	for _, p := range h.all {
		if slices.Equal(p.args, first.args) {
			n++
		}
	}
	ports := freePorts(t, 2)
	name := fmt.Sprintf("%s-%d", service, n)
	p := &process{
		name: name, bin: first.bin, args: first.args, log: filepath.Join(h.logDir, name+".log"), admin: "http://" + ports[0],
		// Of two values of one variable the last one counts.
		env: append(slices.Clone(first.env), config.EnvName("telemetry.admin_addr")+"="+ports[0], config.EnvName("rpc.listen")+"="+ports[1],
			config.EnvName("rpc.advertise")+"="+ports[1],
			config.EnvName("discovery.index_dir")+"="+filepath.Join(h.logDir, name+"-index")),
	}
	h.all = slices.Insert(h.all, len(h.all)-1, p)
	d.Revive(t, name)
	return name
}

// AddMedia runs a process that does the video service's work, with that one's settings, waits until it is ready, and returns its name.
// The deployment needs media.separate. It ends with the deployment.
func (d *Deployment) AddMedia(t testing.TB) string {
	t.Helper()
	first, spec := d.process(t, "video"), services.Media()
	h := d.host.(*processes)
	admin := FreePort(t)
	p := &process{
		name: spec.Name, bin: first.bin, args: []string{spec.Name}, log: filepath.Join(h.logDir, spec.Name+".log"), admin: "http://" + admin,
		env: append(slices.Clone(first.env), config.EnvName("telemetry.admin_addr")+"="+admin, config.EnvName("rpc.registry")+"="),
	}
	h.all = slices.Insert(h.all, len(h.all)-1, p)
	d.Revive(t, p.name)
	return p.name
}

// AddGateway runs one more gateway, with these settings changed, and returns the deployment as it is seen through that
// one. It ends with d. Nobody registers through it: names are d's.
func (d *Deployment) AddGateway(t testing.TB, opts ...Option) *Deployment {
	t.Helper()
	o := options{set: map[string]string{}}
	for _, opt := range opts {
		opt(&o)
	}
	h, ok := d.host.(*processes)
	if !ok {
		t.Fatalf("%s has one gateway", d.Name)
	}
	gateway := services.Gateway().Name
	first := d.process(t, gateway)
	ports := freePorts(t, 2)
	name := gateway + "-2"
	for n := 3; slices.ContainsFunc(h.all, func(p *process) bool { return p.name == name }); n++ {
		name = fmt.Sprint(gateway, "-", n)
	}
	p := &process{
		name: name, bin: first.bin, args: first.args, log: filepath.Join(h.logDir, name+".log"), admin: "http://" + ports[0],
		env: append(slices.Clone(first.env), config.EnvName("telemetry.admin_addr")+"="+ports[0], config.EnvName("gateway.addr")+"="+ports[1]),
	}
	for _, key := range sortedKeys(o.set) { // of two values of one variable the last one counts
		p.env = append(p.env, config.EnvName(key)+"="+o.set[key])
	}
	h.all = slices.Insert(h.all, len(h.all)-1, p)
	d.Revive(t, p.name)
	g := &Deployment{Name: d.Name, Config: d.Config, host: &front{host: h, address: ports[1]}, http: d.http, observe: d.observe}
	Eventually(t, startTimeout, func() error { return g.complete(t.Context()) })
	return g
}

// front is the same host behind another gateway.
type front struct {
	host
	address string
}

func (f *front) url() string { return "http://" + f.address }

// Through is the same user, with the same token, whose requests go to another gateway.
func (u *User) Through(g *Deployment) *User {
	other := *u
	other.d = g
	return &other
}

// Pause freezes a process: its connections stay open and nobody answers. Resume lets it go on; the end of the test does
// so too.
func (d *Deployment) Pause(t testing.TB, name string) {
	t.Helper()
	ostest.Freeze(t, d.process(t, name).cmd.Process)
}

// Resume ends Pause.
func (d *Deployment) Resume(t testing.TB, name string) {
	t.Helper()
	ostest.Thaw(t, d.process(t, name).cmd.Process)
}

// Processes are the names of all processes, replicas too, in start order.
func (d *Deployment) Processes(t testing.TB) []string {
	t.Helper()
	h, ok := d.host.(*processes)
	if !ok {
		t.Fatalf("%s runs in the test's own process", d.Name)
	}
	names := make([]string, len(h.all))
	for i, p := range h.all {
		names[i] = p.name
	}
	return names
}

// Address is where a process of the deployment is reached by others, host:port.
func (d *Deployment) Address(t testing.TB, name string) string {
	t.Helper()
	return d.process(t, name).reached
}

// Leave asks a process to stop as a new release does and waits until it has ended, cleanly. It stays away until Revive.
func (d *Deployment) Leave(t testing.TB, name string) {
	t.Helper()
	if err := d.process(t, name).stop(stopTimeout); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// PID is the number of a process of the deployment, which has to run.
func (d *Deployment) PID(t testing.TB, name string) int {
	t.Helper()
	return d.process(t, name).cmd.Process.Pid
}

// CounterOf reads one metric of one process, by its labels as they are printed.
func (d *Deployment) CounterOf(t testing.TB, process, name string) map[string]float64 {
	t.Helper()
	line := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `(\{.*\})? (\S+)$`)
	return d.scrape(t, d.process(t, process).admin+"/metrics", line)
}

// Ready returns an error unless the gateway reports that every part is ready.
func (d *Deployment) Ready(ctx context.Context) error { return d.complete(ctx) }

func (d *Deployment) process(t testing.TB, name string) *process {
	t.Helper()
	h, ok := d.host.(*processes)
	if !ok {
		t.Fatalf("%s runs in the test's own process", d.Name)
	}
	i := slices.IndexFunc(h.all, func(p *process) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("there is no process %s", name)
	}
	return h.all[i]
}

// kill sends SIGKILL and waits until the process is gone.
func (p *process) kill() error {
	if p.ended == nil {
		return errors.New("it does not run")
	}
	ended := p.ended
	p.ended = nil
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("it had ended before: %w", errors.Join(err, <-ended))
	}
	var killed *exec.ExitError
	if err := <-ended; !errors.As(err, &killed) {
		return fmt.Errorf("it ended otherwise: %w", err)
	}
	return nil
}
