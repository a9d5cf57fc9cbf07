// Package program is the command backfill, so that the image can hold all commands in one file.
package program

import (
	"context"
	"fmt"
	"io"
	"os"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/video/service"
	"tiktok/config"
)

// Main is the program: it runs to its end and exits.
func Main() {
	boot.Main(config.AllInOneProcess(), func(ctx context.Context, p *boot.Process) error { return run(ctx, p, os.Stdout) },
		boot.Flag{Name: "data", Key: "data_dir", Usage: "`folder` of the all-in-one (default ./data)"})
}

func run(ctx context.Context, p *boot.Process, w io.Writer) error {
	n, err := service.Backfill(ctx, p.Config, p.Telemetry, func(queued int64) { fmt.Fprintf(w, "%d videos queued …\n", queued) })
	if err != nil {
		return fmt.Errorf("%d videos queued, then: %w", n, err)
	}
	fmt.Fprintf(w, "%d videos queued; the video service works on them when nothing else waits\n", n)
	return nil
}
