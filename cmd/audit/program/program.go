// Package program is the command audit, so that the image can hold all commands in one file.
package program

import (
	"context"
	"fmt"
	"os"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

// Main is the program: it runs to its end and exits.
func Main() {
	boot.Main(config.AllInOneProcess(), run,
		boot.Flag{Name: "data", Key: "data_dir", Usage: "`folder` of the all-in-one (default ./data)"},
		boot.Flag{Name: "repair", Key: "audit.repair", Usage: "set wrong counters of likes and comments right first", Bool: true})
}

func run(ctx context.Context, p *boot.Process) error {
	wrong, err := app.Audit(ctx, p.Config, func(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) })
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d counters differ from their lists", wrong)
	}
	return err
}
