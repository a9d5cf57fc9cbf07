package cli

import (
	"github.com/spf13/cobra"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

func migrate(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring every service's schema up to date, beforehand",
		Long:  "Bring every service's schema up to date. A service does the same for its own when it starts, under the same lock.",
	}
	s := addSettings(cmd, environ)
	s.data(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.load(config.AllInOneProcess())
		if err != nil {
			return err
		}
		return app.Migrate(cmd.Context(), cfg, printer(cmd))
	}
	return cmd
}
