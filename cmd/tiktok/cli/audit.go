package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
)

func audit(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Recount every counter from its list, and compare",
		Long: "Recount every counter from the list that it counts, and print each one that differs. Counters of likes and comments are " +
			"exact when the queue is\n" +
			"empty; on a store that is being written to, a difference may be a write in flight. Exit code 1 when a counter is wrong.\n" +
			"Notices are compared with the likes, comments, follows, titles and uploads that they are made of: what is missing, what is extra.\n" +
			"Views, finishes and the days of authors are compared with the sessions of watching that count, and what discovery knows\n" +
			"of users, videos, follows, likes and tags with the services that have them.",
	}
	s := addSettings(cmd, environ)
	s.data(cmd)
	s.toggle(cmd, "repair", "audit.repair", "set counters of likes, comments and watches, notices, and what discovery knows, right first")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := s.load(config.AllInOneProcess())
		if err != nil {
			return err
		}
		wrong, err := app.Audit(cmd.Context(), cfg, app.Auditing{
			Report:   printer(cmd),
			Progress: func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) },
		})
		if err == nil && wrong > 0 {
			err = fmt.Errorf("%d counters differ from their lists", wrong)
		}
		return err
	}
	return cmd
}
