// Package boot is what the mains share: flags, settings, logger, signals and one exit.
package boot

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/kitex/pkg/klog"

	"tiktok/config"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/logx"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// stopTimeout bounds a graceful stop; what still runs then is left to the operating system.
const stopTimeout = 20 * time.Second

// ballastBytes are never touched, and so take no memory. They count as live for the garbage collector, which therefore lets
// this much more garbage gather before it works: a service holds so little that it would do so many times a second, for a
// sixth of the processor time of a busy one.
const ballastBytes = 32 << 20

// Flag is a command line flag that sets one config key.
type Flag struct {
	Name, Key, Usage string
	// Bool flags need no value.
	Bool bool
}

// Process is a process that has read its settings and may start.
type Process struct {
	// Name is the service's name, also in etcd.
	Name      string
	Config    config.Config
	Telemetry *telemetry.Telemetry
	// Group collects what Run runs, in start order.
	Group lifecycle.Group
}

// Main runs the process of that description to its end and exits: 0 after a clean stop, -check-config or a -healthcheck that found the process
// well, 2 for bad flags or settings, 1 for everything else.
func Main(process config.Process, run func(context.Context, *Process) error, flags ...Flag) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, done, err := load(ctx, process, os.Args[1:], os.Environ(), os.Stderr, flags)
	var sick unhealthyError
	if errors.As(err, &sick) {
		os.Exit(1)
	}
	if err != nil || done {
		os.Exit(exitCode(err, 2))
	}
	transport.KeepGoroutines()
	ballast := make([]byte, ballastBytes)
	err = run(ctx, p)
	runtime.KeepAlive(ballast)
	p.Telemetry.Close()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", process.Name, err)
	}
	os.Exit(exitCode(err, 1))
}

func exitCode(err error, failed int) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	return failed
}

// load reads flags and settings; done says that there is nothing to run. Errors are already printed to w.
func load(ctx context.Context, process config.Process, args, environ []string, w io.Writer, flags []Flag) (p *Process, done bool, err error) {
	name := process.Name
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(w)
	file := fs.String("config", "", "YAML `file` with settings (see config/config.example.yaml)")
	check := fs.Bool("check-config", false, "check the settings, print them and end")
	var ask string
	fs.BoolFunc("healthcheck", "ask the process that runs with these settings whether it lives (=ready: whether it can serve), and end: 0 yes, 1 no", func(v string) error {
		var err error
		ask, err = probePath(v)
		return err
	})
	set := map[string]any{}
	fs.Func("set", "`key=value` sets any setting, e.g. -set telemetry.log_level=debug; may be repeated", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want key=value")
		}
		set[k] = v
		return nil
	})
	for _, f := range flags {
		keep := func(v string) error { set[f.Key] = v; return nil }
		if f.Bool {
			fs.BoolFunc(f.Name, f.Usage, keep)
		} else {
			fs.Func(f.Name, f.Usage, keep)
		}
	}
	if err := fs.Parse(args); err != nil {
		return nil, true, err // printed by the flag package
	}
	p, err = newProcess(process, *file, environ, set, w)
	if err != nil {
		fmt.Fprintf(w, "%s: settings are not usable:\n%v\n", name, err)
		return nil, true, err
	}
	if ask != "" {
		err := probe(ctx, p.Config, ask)
		if err != nil {
			fmt.Fprintf(w, "%s: %v\n", name, err)
		}
		return nil, true, err
	}
	if *check {
		fmt.Fprintln(w, strings.Join(p.Config.Masked(), "\n"))
		fmt.Fprintf(w, "%s: settings are good\n", name)
	}
	return p, *check, nil
}

func newProcess(process config.Process, file string, environ []string, set map[string]any, w io.Writer) (*Process, error) {
	cfg, err := config.Load(file, environ, set)
	if err != nil {
		return nil, err
	}
	cfg = cfg.ForProcess(process)
	if err := cfg.Validate(process); err != nil {
		return nil, err
	}
	tel, err := telemetry.New(cfg.Telemetry, process.Name, w)
	if err != nil {
		return nil, err
	}
	if err := tel.WatchDisk(cfg.DataDir); err != nil {
		return nil, err
	}
	for setting, files := range cfg.Certificates() {
		if err := tel.WatchCertificate(setting, files.Expiry); err != nil {
			return nil, err
		}
	}
	if !process.Uses.Gateway && (cfg.Auth.Secret != "" || cfg.Auth.SecretFile != "") {
		cfg.Auth.Secret, cfg.Auth.SecretFile = "", ""
		tel.Log.Warn("auth.secret is for the gateway alone, this process forgets it: give it to no other")
	}
	klog.SetOutput(logx.Lines(tel.Sampled(), "kitex"))
	klog.SetLevel(klog.LevelWarn)
	hlog.SetOutput(places{tel.Sampled()})
	hlog.SetLevel(hlog.LevelWarn)
	return &Process{Name: process.Name, Config: cfg, Telemetry: tel}, nil
}

// Run logs the settings and runs the group until ctx ends or a part fails.
func (p *Process) Run(ctx context.Context) error {
	p.Telemetry.Log.Info("settings", "all", strings.Join(p.Config.Masked(), "; "))
	return p.Group.Run(ctx, stopTimeout, p.Telemetry.Log)
}

// Admin adds the admin server to the group and logs that the process serves at the address, which is of that kind.
func (p *Process) Admin(ctx context.Context, checks []telemetry.Check, kind, addr string) error {
	admin, err := telemetry.ListenAdmin(ctx, p.Config.Telemetry.AdminAddr, p.Telemetry, checks)
	if err != nil {
		return err
	}
	p.Group.Add("admin", admin.Run, nil)
	p.Telemetry.Log.Info("serving", kind, addr, "admin", p.Config.Telemetry.AdminAddr)
	return nil
}
