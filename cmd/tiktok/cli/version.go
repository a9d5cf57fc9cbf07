package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"tiktok/pkg/telemetry"
)

func version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the compiler",
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, revision := telemetry.Version()
			printer(cmd)("tiktok %s\ncommit %s\n%s %s/%s", v, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
