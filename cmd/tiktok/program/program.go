// Package program is the command tiktok, so that the image can hold all commands in one file.
package program

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	certs "tiktok/cmd/certs/program"
	"tiktok/cmd/internal/boot"
	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

// Main runs the all-in-one to its end and exits. "tiktok certs …" is the command certs.
func Main() {
	if len(os.Args) > 1 && os.Args[1] == "certs" {
		os.Exit(certs.Run(os.Args[2:], os.Stdout, os.Stderr)) //nolint:forbidigo // boot.Main is for what has settings
	}
	boot.Main(config.AllInOneProcess(), run,
		boot.Flag{Name: "addr", Key: "gateway.addr", Usage: "public `address` (default :10001)"},
		boot.Flag{Name: "data", Key: "data_dir", Usage: "`folder` of databases, media and secret (default ./data)"},
		boot.Flag{Name: "demo", Key: "demo.enabled", Usage: "make demo content when the store is empty (default true)", Bool: true},
		boot.Flag{Name: "demo-public", Key: "demo.public", Usage: "let demo accounts log in from everywhere (default false)", Bool: true},
	)
}

// memoryLimit is from where on garbage is collected sooner: each password hash leaves 19 MiB of it. What is live stays far
// below, because every cache has its bound. GOMEMLIMIT overrides it.
const memoryLimit = 270 << 20

func run(ctx context.Context, p *boot.Process) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	a, err := app.Open(ctx, p.Config, p.Telemetry)
	if err != nil {
		return err
	}
	a.OnReady(func() { fmt.Fprint(os.Stdout, a.Welcome()) })
	return a.Run(ctx)
}
