package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/services"
	"tiktok/config"
)

// envBinaries names a folder with the program, built beforehand; without it it is built here.
const envBinaries = "TIKTOK_TEST_BIN"

// Distributed runs the eight processes on the servers that TIKTOK_TEST_MYSQL, _REDIS, _RABBITMQ and _ETCD name, with schemas
// of their own, and skips the test when these are not set. Names in etcd are fixed, so only one such deployment runs at
// a time: another waits here. Every process must end with status 0, which with the race detector also says that it
// found nothing.
func Distributed(t testing.TB, opts ...Option) *Deployment {
	t.Helper()
	o := collect(t, opts)
	s := testServers(t, o.beside)
	s.acquire(t)
	o.set["auth.secret"] = "only for tests and long enough: " + fmt.Sprint(rand.Uint64())
	for k, v := range s.settings() {
		if _, chosen := o.set[k]; !chosen {
			o.set[k] = v
		}
	}
	h := &processes{logDir: t.TempDir()}
	bin := program(t, o.programs)
	replicas := max(o.replicas, 1)
	ports := slices.Collect(slices.Chunk(freePorts(t, portsEach*replicas*len(services.Names())), portsEach))
	for _, s := range services.All() {
		for n := range replicas {
			h.add(o, bin, s, n+1, ports[len(h.all)])
		}
	}
	gateway := services.Gateway()
	maps.Copy(o.set, o.certificate(gateway.Name))
	return launch(t, NameDistributed, o, Settings(t, gateway.Process, o.set), h)
}

// portsEach is how many addresses a process gets: for its admin server, for what it serves, and for what may stand before that.
const portsEach = 3

// add makes the n-th process of a kind, which starts later.
func (h *processes) add(o options, bin string, s services.Spec, n int, ports []string) {
	p := &process{bin: bin, args: []string{s.Name}, name: s.Name, admin: "http://" + ports[0], reached: ports[1]}
	if n > 1 {
		p.name = fmt.Sprintf("%s-%d", s.Name, n)
	}
	p.log = filepath.Join(h.logDir, p.name+".log")
	if o.front != nil {
		p.reached = ports[2]
		o.front(p.name, ports[1], ports[2])
	}
	set := map[string]string{"telemetry.admin_addr": ports[0]}
	if s.RPCAddr == "" {
		set["gateway.addr"] = ports[1]
		if h.address == "" {
			h.address = p.reached
			o.set["gateway.addr"] = ports[1] // of the gateway whose settings are the deployment's
		}
	} else {
		set["rpc.listen"], set["rpc.advertise"] = ports[1], p.reached
	}
	if n > 1 {
		set["discovery.index_dir"] = filepath.Join(h.logDir, p.name+"-index")
	}
	maps.Copy(set, o.certificate(s.Name))
	p.env = environ(o.set, set)
	h.all = append(h.all, p)
}

// processes are all of them in start order, the gateways last.
type processes struct {
	logDir  string
	address string // where the first gateway is reached
	all     []*process
}

func (h *processes) url() string { return "http://" + h.address }

func (h *processes) metrics() []string {
	out := make([]string, 0, len(h.all))
	for _, p := range h.all {
		out = append(out, p.admin+"/metrics")
	}
	return out
}

func (h *processes) logs() []string {
	var out []string
	for _, p := range h.all {
		if _, err := os.Stat(p.log); err == nil {
			out = append(out, p.log)
		}
	}
	return out
}

// start runs the services side by side, then the gateways.
func (h *processes) start(ctx context.Context) error {
	for _, part := range h.parts() {
		var g errgroup.Group
		for _, p := range part {
			g.Go(func() error { return p.startAndWait(ctx) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the gateways first, then the services side by side.
func (h *processes) stop() error {
	var all []error
	for _, part := range slices.Backward(h.parts()) {
		errs := make([]error, len(part))
		var wg sync.WaitGroup
		for i, p := range part {
			wg.Go(func() { errs[i] = p.stop(stopTimeout) })
		}
		wg.Wait()
		all = append(all, errs...)
	}
	return errors.Join(all...)
}

// parts are the services, and the gateways. One process is a gateway.
func (h *processes) parts() [][]*process {
	gateway := h.all[len(h.all)-1].args
	first := slices.IndexFunc(h.all, func(p *process) bool { return slices.Equal(p.args, gateway) })
	return [][]*process{h.all[:first], h.all[first:]}
}

// program is the path of the program: in a chosen folder, or that of the test run.
func program(t testing.TB, chosen string) string {
	t.Helper()
	if dir := cmp.Or(chosen, os.Getenv(envBinaries)); dir != "" {
		return filepath.Join(dir, config.AllInOne)
	}
	return build(t, RaceEnabled)
}

// BuildAllInOne builds cmd/tiktok for tests that need it as a real process, and returns its path.
func BuildAllInOne(t testing.TB) string {
	t.Helper()
	return build(t, false)
}

func build(t testing.TB, race bool) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), config.AllInOne)
	args, cgo := []string{"build", "-ldflags=-s -w", "-o", out}, "CGO_ENABLED=0"
	if race {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./cmd/tiktok")...)
	cmd.Dir = RepoRoot(t)
	cmd.Env = append(os.Environ(), cgo)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/tiktok: %v\n%s", err, msg)
	}
	return out
}

// Again runs one more process of a distributed deployment with the settings of the one of that name, to its end, and
// returns its exit status and what it printed.
func (d *Deployment) Again(t testing.TB, name string) (status int, output string) {
	t.Helper()
	h, ok := d.host.(*processes)
	if !ok {
		t.Fatalf("%s has no processes", d.Name)
	}
	for _, p := range h.all {
		if p.name == name {
			return RunToEnd(t, p.bin, p.env, p.args...)
		}
	}
	t.Fatalf("there is no process %s", name)
	return 0, ""
}

// RunToEnd runs a program that is expected to end by itself, and returns its exit status and what it printed. env is its
// whole environment, nil for this process's without settings.
func RunToEnd(t testing.TB, bin string, env []string, args ...string) (status int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.SysProcAttr = dieWithParent()
	if cmd.Env = env; env == nil {
		cmd.Env = environ()
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(bin), errors.Join(err, ctx.Err()), out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// environ is this process's environment without settings, and with these.
func environ(sets ...map[string]string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, config.EnvPrefix+"_") {
			env = append(env, kv)
		}
	}
	for _, set := range sets {
		for _, key := range sortedKeys(set) {
			env = append(env, config.EnvName(key)+"="+set[key])
		}
	}
	return env
}

// Ports are taken below the range that systems give to outgoing connections.
const firstPort, lastPort = 20000, 31999

// FreePort is an address on loopback that nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	return freePorts(t, 1)[0]
}

// freePorts are n addresses on loopback that nobody listens on.
func freePorts(t testing.TB, n int) []string {
	t.Helper()
	var lc net.ListenConfig
	var addrs []string
	for tries := 0; len(addrs) < n; tries++ {
		if tries > 100*n {
			t.Fatal("no free ports")
		}
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		ln, err := lc.Listen(t.Context(), "tcp", addr)
		if err != nil {
			continue
		}
		defer func() { _ = ln.Close() }() // all stay taken until all are found
		addrs = append(addrs, addr)
	}
	return addrs
}

// ready asks a process whether it can serve.
func ready(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP status %d", address, res.StatusCode)
	}
	return nil
}
