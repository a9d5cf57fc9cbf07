// Command bench measures deployments over their public HTTP API. It starts the processes of a deployment, fills the
// stores, makes load, and prints what clients would have seen and what each process used for it; afterwards it recounts
// all counters. test/bench/run.sh brings the servers and the programs. It talks to loopback addresses only.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"tiktok/test/harness"
)

// options are the flags.
type options struct {
	deployments                         []string
	programs                            []string
	conns                               []int
	events, active, rounds, videos      int
	rate, scale                         float64
	steps, scales                       []float64
	warmup, settle, duration, floorTime time.Duration
	floors, audit                       bool
	data                                string // a folder of loaded SQLite files
}

// Measurements that are no scenario of their own.
const (
	atRest     = "at-rest"
	drain      = "drain"
	latency    = "latency"
	loginStorm = "login-storm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o options
	root := &cobra.Command{Use: "bench", Short: "Measures deployments under load", SilenceUsage: true, SilenceErrors: true}
	fs := root.PersistentFlags()
	both := []string{harness.NameAllInOne, harness.NameDistributed}
	fs.StringSliceVar(&o.deployments, "deployment", both, "deployments, one after the other")
	fs.StringSliceVar(&o.programs, "programs", []string{"bin/bench"}, "folder of the programs to start; two of them in a comparison")
	fs.IntSliceVar(&o.conns, "conns", []int{0}, "connections; 0 is the scenario's own number")
	fs.Float64Var(&o.rate, "rate", 0, "requests due each second (open loop); 0 is a closed loop")
	fs.DurationVar(&o.settle, "settle", 0, "first, load until it gets no faster, at most so long")
	fs.DurationVar(&o.warmup, "warmup", 2*time.Second, "then, load that is not measured")
	fs.DurationVar(&o.duration, "duration", 10*time.Second, "measured time")
	fs.Float64SliceVar(&o.scales, "scale", []float64{1}, "data set: 1 is 10,000 users, 20,000 videos, a million likes; several show growth")
	fs.IntVar(&o.active, "active", 0, "users who send requests; 0 is all, at most 100,000. The others are only looked at")
	fs.IntVar(&o.videos, "videos", 0, "videos of the data set; 0 is by the scale")
	fs.StringVar(&o.data, "data", "", "keep loaded data sets in this folder for later runs (all-in-one)")
	fs.BoolVar(&o.floors, "floors", false, "measure after each scenario what it costs at least")
	fs.DurationVar(&o.floorTime, "floor-time", time.Second, "measured time of each floor")
	fs.BoolVar(&o.audit, "audit", true, "recount all counters after writes; false for a build of before the last migrations")
	fs.IntVar(&o.events, "events", 200_000, "events of the backlog to drain")
	steps := []float64{250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000}
	fs.Float64SliceVar(&o.steps, "steps", steps, "offered loads per second of latency")

	run := &cobra.Command{Use: "run [scenario…]", Short: "measure scenarios, all when none is named, and print a table"}
	run.Long = "Scenarios: " + strings.Join(names(), " ")
	run.RunE = func(cmd *cobra.Command, args []string) error { return runAll(cmd.Context(), o, args) }
	compare := &cobra.Command{Use: "compare [scenario…]", Short: "measure two builds by turns and print ratios"}
	for _, c := range []*cobra.Command{run, compare} {
		c.ValidArgs, c.Args = names(), cobra.OnlyValidArgs
	}
	compare.Flags().IntVar(&o.rounds, "rounds", 4, "turns of each build")
	compare.RunE = func(cmd *cobra.Command, args []string) error { return compareAll(cmd.Context(), o, args) }
	media := &cobra.Command{Use: "media", Short: "what uploads and parts of files cost", Args: cobra.NoArgs}
	media.RunE = func(cmd *cobra.Command, _ []string) error {
		return harness.Run(cmd.Context(), "bench-media", func(t testing.TB) { measureMedia(t, o) })
	}
	server := &cobra.Command{Use: "serve ADDR", Hidden: true, Args: cobra.ExactArgs(1)}
	server.RunE = func(cmd *cobra.Command, args []string) error { return serve(cmd.Context(), args[0]) }
	root.AddCommand(run, compare, media, server)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return o.validate() }
	return root
}

func (o *options) validate() error {
	if slices.Min(o.scales) <= 0 || min(o.duration, o.floorTime) <= 0 || min(o.events, o.rounds) < 1 || o.rate < 0 ||
		min(o.active, o.videos, slices.Min(o.conns)) < 0 {
		return errors.New("numbers must be greater than 0")
	}
	return nil
}

// names are what can be measured.
func names() []string {
	var all []string
	for _, s := range scenarios() {
		all = append(all, s.name)
	}
	return append(all, found, loginStorm, drain, latency, events, replicas, capacity)
}

// runAll measures scenarios on one deployment and data set after the other, and prints a table of all.
func runAll(ctx context.Context, o options, scenarios []string) error {
	if len(scenarios) == 0 {
		scenarios = names()
	}
	var errs []error
	var all []result
	var columns []string
	for _, deployment := range o.deployments {
		for _, o.scale = range o.scales {
			column := deployment
			if len(o.scales) > 1 {
				column = fmt.Sprintf("%s ×%g", deployment, o.scale)
			}
			err := harness.Run(ctx, "bench", func(t testing.TB) {
				s := open(t, o, deployment, o.programs[0], "")
				for i, name := range scenarios {
					fmt.Printf("\n[%s, %d of %d]", column, i+1, len(scenarios))
					s.run(name)
				}
				for _, r := range s.results {
					r.deployment = column
					all = append(all, r)
				}
			})
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", column, err))
				continue
			}
			columns = append(columns, column)
		}
	}
	fmt.Printf("\n%s%s", markdown(all, columns), plots(all, columns))
	return errors.Join(errs...)
}

// check fails the run for an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
