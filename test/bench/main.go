// Command bench measures a deployment over its public HTTP API. It starts the processes of the deployment, fills the
// stores, makes load, and prints what the users would have seen and what each process used for it; afterwards it
// recounts all counters. test/bench/run.sh brings the servers and the binaries. It talks to loopback addresses only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
)

// options are the flags.
type options struct {
	deployment, bin, json, doc, plots, profiles string
	port, conns, events, active                 int
	rate, scale                                 float64
	warmup, settle, duration, floorTime         time.Duration
	floors                                      bool
	// data is a folder of loaded SQLite files.
	data string
	// compare is two folders of programs, growth the files of results on data sets of several sizes.
	compare, growth string
	rounds          int
	steps           []float64
	// scenarios are their names, drain and latency among them.
	scenarios []string
}

// Measurements that are no scenario of their own.
const (
	drain   = "drain"
	latency = "latency"
	atRest  = "at-rest"
	// loginStorm is a login storm beside readers of the feed.
	loginStorm = "login-storm"
)

// The results of loginStorm.
const (
	stormBefore = "login-storm: before"
	stormDuring = "login-storm: during"
	stormLogin  = "login-storm: logins"
)

// The results of drain.
const (
	drainSpread = "drain-spread"
	drainHot    = "drain-hot"
)

// names is the order of results in tables.
func names() []string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return append(append([]string{atRest}, all...), stormBefore, stormDuring, stormLogin, giants, drainSpread, drainHot, latency)
}

func main() {
	if serve, ok := role(os.Args[1:]); ok {
		serveUntilStopped(serve)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == mediaFigures {
		if err := measureMedia(ctx, os.Args[2:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, w io.Writer) (options, error) {
	var o options
	steps := "100,250,500,750,1000,1500,2000,2500,3000,4000,5000,6000,8000"
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.StringVar(&o.deployment, "deployment", allInOne, "`name`: all-in-one, distributed, or running (what make start has started)")
	fs.StringVar(&o.bin, "bin", "bin/bench", "`folder` of the programs to start")
	fs.StringVar(&o.json, "json", "", "keep the results in this `file`, beside those of other scenarios")
	fs.StringVar(&o.doc, "md", "", "write the kept results (-json) between the markers of this Markdown `file`")
	fs.StringVar(&o.plots, "plots", "", "draw the kept results into PNG files of this `folder`")
	fs.StringVar(&o.profiles, "profile", "", "fetch processor profiles into this `folder`")
	fs.IntVar(&o.port, "port", 11001, "first port of the processes")
	fs.IntVar(&o.conns, "conns", 0, "connections; 0 is the scenario's own number")
	fs.Float64Var(&o.rate, "rate", 0, "requests due each second (open loop); 0 is a closed loop")
	fs.DurationVar(&o.warmup, "warmup", 3*time.Second, "load before the measured time")
	fs.DurationVar(&o.settle, "settle", 0, "before that, load until it gets no faster, at most so long")
	fs.DurationVar(&o.duration, "duration", 15*time.Second, "measured time, at most 10 minutes")
	fs.Float64Var(&o.scale, "scale", 1, "size of the data set: 1 is 10,000 users, 20,000 videos, 1,000,000 likes")
	fs.IntVar(&o.active, "active", 0, "users who send requests; 0 is all, at most 100,000. The others are only looked at")
	fs.StringVar(&o.data, "data", "", "keep loaded data sets in this `folder` for later runs (all-in-one)")
	fs.BoolVar(&o.floors, "floors", false, "measure after each scenario what it costs at least")
	fs.DurationVar(&o.floorTime, "floor-time", 2*time.Second, "measured time of each floor")
	fs.IntVar(&o.events, "events", 200_000, "events of the backlog to drain")
	fs.StringVar(&o.compare, "compare", "", "run the programs of two `folders`, separated by a comma, by turns and print ratios")
	fs.IntVar(&o.rounds, "rounds", 4, "turns of each build in a comparison")
	fs.StringVar(&o.growth, "growth", "", "only print a table from the results in `files`, separated by commas, smallest data set first")
	fs.StringVar(&steps, "steps", steps, "offered `loads` per second of the latency measurement")
	fs.Usage = func() {
		fmt.Fprintln(w, "bench [flags] [scenario…]    without a scenario: all of them\n\nscenarios:")
		for _, s := range scenarios() {
			fmt.Fprintf(w, "  %-15s %s\n", s.name, s.about)
		}
		fmt.Fprintf(w, "  %-15s %s\n  %-15s %s\n  %-15s %s\n  %-15s %s\n\nflags:\n",
			loginStorm, "the feed of 8 connections alone, and while 64 others log in", giants, "famous users and videos, each list and action at the store", drain, "how fast the writer stores a backlog (distributed)",
			latency, "latency against offered load, with and without the queue (distributed)")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	for s := range strings.SplitSeq(steps, ",") {
		rate, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || rate <= 0 {
			return o, fmt.Errorf("-steps: %q is not a load", s)
		}
		o.steps = append(o.steps, rate)
	}
	o.duration = min(o.duration, maxRun)
	if o.scale <= 0 || o.events < 1 || o.floorTime <= 0 || o.rounds < 1 || o.active < 0 || o.duration <= 0 || o.conns < 0 || o.rate < 0 {
		return o, errors.New("numbers must be greater than 0")
	}
	return o, o.choose(fs.Args())
}

// choose checks the names of scenarios; none stands for all.
func (o *options) choose(names []string) error {
	if len(names) == 0 {
		for _, s := range scenarios() {
			names = append(names, s.name)
		}
		names = append(names, loginStorm, giants, drain, latency)
	}
	for _, n := range names {
		if _, ok := scenarioNamed(n); !ok && !slices.Contains([]string{loginStorm, giants, drain, latency}, n) {
			return fmt.Errorf("no scenario %q; -help lists them", n)
		}
	}
	o.scenarios = names
	return nil
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	switch {
	case o.growth != "":
		return growth(strings.Split(o.growth, ","), o.doc, out)
	case o.compare != "":
		return compare(ctx, o, out)
	}
	s, dir, err := newSession(o, out, 0)
	if dir != "" {
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.dep.stop()) }()
	if err := s.ready(ctx); err != nil {
		return err
	}
	for _, name := range o.scenarios {
		if err := s.one(ctx, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := s.write(); err != nil {
			return err
		}
	}
	return nil
}

// newSession describes a deployment with an empty folder of its own, which is the caller's to remove. turn tells apart
// deployments that run side by side.
func newSession(o options, out io.Writer, turn int) (s *session, dir string, err error) {
	if dir, err = os.MkdirTemp("", "tiktok-bench-*"); err != nil {
		return nil, "", err
	}
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, dir, err
	}
	d, err := newDeployment(o.deployment, bin, filepath.Join(dir, "data"), o.port, turn)
	if err != nil {
		return nil, dir, err
	}
	return &session{opts: o, dep: d, gen: &generator{addr: d.addr, next: map[string]uint64{}}, out: out, live: terminal(out)}, dir, nil
}

// ready loads the data set and starts the deployment.
func (s *session) ready(ctx context.Context) error {
	d := s.dep
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	if _, err := d.secret(); err != nil { // the first start needs one
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	secret, err := d.secret()
	if err != nil {
		return err
	}
	if s.data, err = readDataset(ctx, d.cfg, secret, s.opts.active); err != nil {
		return err
	}
	began := time.Now()
	if err := d.start(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s answers on %s after %.1f s\n", d.name, d.addr, time.Since(began).Seconds())
	return s.rest(ctx)
}

// one runs what a name stands for.
func (s *session) one(ctx context.Context, name string) error {
	switch name {
	case drain:
		return s.drain(ctx)
	case latency:
		return s.latency(ctx)
	case loginStorm:
		return s.loginStorm(ctx)
	case giants:
		return s.giants(ctx)
	}
	sc, _ := scenarioNamed(name)
	return s.storm(ctx, sc)
}

// write keeps the results as the flags say.
func (s *session) write() error {
	all := s.results
	if s.opts.json != "" {
		var err error
		if all, err = keep(s.opts.json, s.results); err != nil {
			return err
		}
	}
	if s.opts.plots != "" {
		if err := plot(s.opts.plots, s.dep.name, all); err != nil {
			return err
		}
	}
	if s.opts.doc != "" {
		return replaceSection(s.opts.doc, s.dep.name, markdown(all))
	}
	return nil
}

// terminal is out if somebody watches it, else nothing.
func terminal(out io.Writer) io.Writer {
	if f, ok := out.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		return f
	}
	return io.Discard
}
