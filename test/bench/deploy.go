package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/auth"
)

// Names of deployments.
const (
	allInOne    = "all-in-one"
	distributed = "distributed"
	running     = "running"
)

const (
	// portsEach is the ports of one deployment.
	portsEach = 200
	// floorPort is where the floors listen, counted from the first port.
	floorPort = 150
	// mariaDB is its name in the tables.
	mariaDB = "MariaDB"

	startTimeout = 90 * time.Second
	stopTimeout  = 30 * time.Second
	pollEvery    = 50 * time.Millisecond
)

// generatorName is this process in the tables.
const generatorName = "load generator"

// deployment is what is measured.
type deployment struct {
	name string
	// cfg is what the gateway is set to.
	cfg config.Config
	// addr is the gateway's, host:port on loopback.
	addr string
	// bin is the folder of the programs, dir that of what they store.
	bin, dir string
	// env is the whole environment of each process but for its own addresses.
	env []string
	// services are in start order, the gateway last; empty when somebody else started them.
	services []*service
	// port is the first of its ports.
	port int
	// servers are MariaDB and the others, by pid file.
	servers map[string]string
}

// service is one of our processes.
type service struct {
	name, admin string
	env         []string
	// pidFile is set when it was started by somebody else.
	pidFile string
	proc    *process
}

func (s *service) pid() int {
	if s.pidFile != "" {
		return pidFile(s.pidFile)
	}
	return s.proc.pid()
}

// newDeployment describes a deployment; it starts nothing. port is the first of portsEach ports for its processes, dir an
// empty folder. turn is 0, or another number for one that runs beside it on the same servers.
func newDeployment(name, bin, dir string, port, turn int) (*deployment, error) {
	d := &deployment{name: name, bin: bin, dir: dir, port: port, servers: map[string]string{}}
	at := d.at
	set := map[string]string{
		"data_dir": dir, "gateway.addr": at(0), "limits.driver": "off", "telemetry.log_level": "warn", "demo.enabled": "false",
		"media.background": "false", // what uploads leave to do would be counted to whatever is measured next
		"auth.secret_file": filepath.Join(dir, "secret"),
	}
	switch name {
	case allInOne:
		d.env = environ(false, set)
		d.services = []*service{{name: config.AllInOne, admin: at(100), env: []string{config.EnvName("telemetry.admin_addr") + "=" + at(100)}}}
	case distributed:
		set["gateway.public_base_url"] = config.FromHost
		if turn > 0 {
			own := fmt.Sprint("tiktok", turn)
			set["db.schema_prefix"], set["rpc.registry_prefix"], set["queue.prefix"], set["cache.db"] = own+"_", own, own, fmt.Sprint(turn)
		}
		d.env = environ(true, set)
		for i, s := range services.Names() {
			d.services = append(d.services, &service{name: s, admin: at(101 + i), env: []string{
				config.EnvName("telemetry.admin_addr") + "=" + at(101+i), config.EnvName("rpc.listen") + "=" + at(1+i),
			}})
		}
	case running:
		d.env = environ(true, nil)
	default:
		return nil, fmt.Errorf("no deployment %q, there are %s, %s and %s", name, allInOne, distributed, running)
	}
	var err error
	if d.cfg, err = config.Load("", d.settings(), nil); err != nil {
		return nil, err
	}
	if name == running {
		for _, s := range services.All() {
			d.services = append(d.services, &service{name: s.Name, admin: s.AdminAddr, pidFile: filepath.Join(".run", s.Name+".pid")})
		}
	}
	if name != allInOne {
		d.servers = serverPids()
	}
	d.addr, err = loopback(d.cfg.Gateway.Addr)
	return d, err
}

// at is the i-th of its addresses.
func (d *deployment) at(i int) string { return fmt.Sprintf("127.0.0.1:%d", d.port+i) }

// helper runs this program in another role and waits until it listens on addr.
func (d *deployment) helper(ctx context.Context, args []string, addr string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := startProcess(self, args, os.Environ(), filepath.Join(d.dir, args[0]+".log"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var dialer net.Dialer
	err = poll(ctx, func() error {
		if err := p.ended(); err != nil {
			return permanent{err}
		}
		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// settings are the variables that config reads.
func (d *deployment) settings() []string {
	return slices.DeleteFunc(slices.Clone(d.env), func(kv string) bool { return !strings.HasPrefix(kv, config.EnvPrefix+"_") })
}

// environ is this process's environment with set, and without other settings unless keep.
func environ(keep bool, set map[string]string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if keep || !strings.HasPrefix(kv, config.EnvPrefix+"_") {
			env = append(env, kv)
		}
	}
	for k, v := range set {
		env = append(env, config.EnvName(k)+"="+v)
	}
	return env
}

// serverPids are the pid files of test/env.sh.
func serverPids() map[string]string {
	name, dir := os.Getenv("TIKTOK_ENV_NAME"), os.Getenv("TIKTOK_ENV_DIR")
	if name == "" {
		name = "dev"
	}
	if dir == "" {
		dir = ".env.d"
	}
	pids := map[string]string{}
	for shown, file := range map[string]string{mariaDB: "mysql", "Redis": "redis", "RabbitMQ": "rabbitmq", "etcd": "etcd"} {
		pids[shown] = filepath.Join(dir, name, file+".pid")
	}
	return pids
}

// loopback turns an address to listen on into one to connect to, and refuses those of other machines: this program
// must not be a weapon.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() && !ip.IsUnspecified() {
		return "", fmt.Errorf("%s is not this machine's loopback address", addr)
	}
	if ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// secret is what signs the tokens; it is made when there is none yet, before the processes start.
func (d *deployment) secret() ([]byte, error) {
	if d.cfg.Auth.Secret != "" {
		return []byte(d.cfg.Auth.Secret), nil
	}
	return auth.LoadOrCreateSecret(d.cfg.Auth.SecretFile)
}

// start runs the services side by side, then the gateway, and waits until a request gets through.
func (d *deployment) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if d.name == running {
		return d.answers(ctx)
	}
	for _, s := range d.services {
		if err := d.launch(s); err != nil {
			return err
		}
	}
	for _, s := range d.services {
		if err := d.ready(ctx, s); err != nil {
			return err
		}
	}
	return d.answers(ctx)
}

// launch starts one process; env overrides its settings.
func (d *deployment) launch(s *service, env ...string) error {
	p, err := startProcess(filepath.Join(d.bin, s.name), nil, slices.Concat(d.env, s.env, env), filepath.Join(d.dir, s.name+".log"))
	s.proc = p
	return err
}

// restart stops one service, calls between, and starts it with env.
func (d *deployment) restart(ctx context.Context, name string, between func() error, env ...string) error {
	s := d.service(name)
	if s == nil || s.proc == nil {
		return fmt.Errorf("%s of %s is not ours to stop", name, d.name)
	}
	if err := s.proc.stop(); err != nil {
		return err
	}
	if err := between(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return errors.Join(d.launch(s, env...), d.ready(ctx, s))
}

func (d *deployment) service(name string) *service {
	for _, s := range d.services {
		if s.name == name {
			return s
		}
	}
	return nil
}

// writer is the process that stores likes and comments.
func (d *deployment) writer() *service {
	if s := d.service("interaction"); s != nil {
		return s
	}
	return d.services[0]
}

func (d *deployment) ready(ctx context.Context, s *service) error {
	err := poll(ctx, func() error {
		if err := s.proc.ended(); err != nil {
			return permanent{err}
		}
		_, err := get(ctx, "http://"+s.admin+"/readyz")
		return err
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w", s.name, err)
	}
	return nil
}

// answers waits until a feed page comes with all its parts: it needs the services that etcd has to announce first.
func (d *deployment) answers(ctx context.Context) error {
	return poll(ctx, func() error {
		if _, err := get(ctx, "http://"+d.addr+"/readyz"); err != nil {
			return err
		}
		page, err := get(ctx, "http://"+d.addr+"/douyin/feed/")
		if err == nil && envelope()(0, http.StatusOK, page) != accepted {
			err = fmt.Errorf("feed: %.200s", page)
		}
		return err
	})
}

// stop ends what start started, the gateway first.
func (d *deployment) stop() error {
	var errs []error
	for _, s := range slices.Backward(d.services) {
		if s.proc != nil {
			errs = append(errs, s.proc.stop())
		}
	}
	return errors.Join(errs...)
}

// audit recounts every counter. It prints what it finds to w.
func (d *deployment) audit(ctx context.Context, w io.Writer) error {
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, "audit"))
	cmd.Env, cmd.Stdout, cmd.Stderr = d.env, w, w
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// pids are the processes to watch, by name.
func (d *deployment) pids() map[string]int {
	pids := map[string]int{generatorName: os.Getpid()}
	for _, s := range d.services {
		if pid := s.pid(); pid > 0 {
			pids[shownAs(s.name)] = pid
		}
	}
	for name, file := range d.servers {
		if pid := pidFile(file); pid > 0 {
			pids[name] = pid
		}
	}
	return pids
}

func shownAs(service string) string {
	switch service {
	case "api":
		return "gateway"
	case config.AllInOne:
		return allInOne
	}
	return service
}

// permanent is an error that no waiting cures.
type permanent struct{ error }

// poll tries until it works.
func poll(ctx context.Context, try func() error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		err := try()
		var p permanent
		if err == nil || errors.As(err, &p) {
			return err
		}
		if !wait(ctx, timer, time.Now().Add(pollEvery)) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// get reads a small page.
func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: HTTP status %d", url, res.StatusCode)
	}
	return body, err
}
