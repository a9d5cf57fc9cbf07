package cli

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/services"
	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

// memoryLimit is from where on the all-in-one collects garbage sooner: each password hash leaves 19 MiB of it. What is live
// stays far below, because every cache has its bound. GOMEMLIMIT overrides it.
const memoryLimit = 270 << 20

// allInOne is the program without a command.
func allInOne(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   config.AllInOne,
		Short: "A short-video backend: gateway and services in one process",
		Long: "A short-video backend. Without a command it runs gateway and services in one process, with nothing to install, and keeps its " +
			"data in a folder.\n" +
			"The commands below run one process of the distributed deployment, or work on the data of either.",
	}
	s := addSettings(cmd, environ)
	s.addr(cmd)
	s.data(cmd)
	s.toggle(cmd, "demo", "demo.enabled", "make demo content when the store is empty (default true)")
	s.toggle(cmd, "demo-public", "demo.public", "let demo accounts log in from everywhere (default false)")
	s.runs(cmd, config.AllInOneProcess(), func(ctx context.Context, p *boot.Process) error {
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(memoryLimit)
		}
		opened := p.WatchStart(ctx)
		a, err := app.Open(ctx, p.Config, p.Telemetry)
		opened()
		if err != nil {
			return err
		}
		a.OnReady(func() { fmt.Fprint(cmd.OutOrStdout(), a.Welcome()) })
		return a.Run(ctx)
	})
	return cmd
}

// runService runs one service, or the gateway, as a process of its own.
func runService(spec services.Spec, environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: spec.Name, Short: "Run the " + spec.Name + " service"}
	s := addSettings(cmd, environ)
	if !spec.Calls() {
		cmd.Short = "Do the work on videos, instead of the video service (media.separate)"
	}
	if spec.Uses.Gateway {
		cmd.Short = "Run the gateway, which answers HTTP"
		s.addr(cmd)
	}
	s.runs(cmd, spec.Process, func(ctx context.Context, p *boot.Process) error { return services.Run(ctx, p, spec) })
	return cmd
}

// list shows the services.
func list() *cobra.Command {
	return &cobra.Command{
		Use:   "services",
		Short: "List the services in start order, with their default addresses",
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tRPC\tADMIN")
			for _, s := range services.Processes() {
				rpc := s.RPCAddr
				if rpc == "" {
					rpc = "-"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, rpc, s.AdminAddr)
			}
			return w.Flush()
		},
	}
}
