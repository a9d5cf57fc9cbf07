// Command migrate brings the schemas of all services up to date and ends: what a rollout runs before it replaces the
// first process. Several may run at once.
package main

import (
	"context"
	"fmt"
	"os"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

func main() {
	boot.Main(config.AllInOne, run,
		boot.Flag{Name: "data", Key: "data_dir", Usage: "`folder` of the all-in-one (default ./data)"})
}

func run(ctx context.Context, p *boot.Process) error {
	return app.Migrate(ctx, p.Config, func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) })
}
