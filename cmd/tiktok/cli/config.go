package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"tiktok/config"
	"tiktok/pkg/webpush"
)

// pushKey is a command that needs no settings.
func pushKey() *cobra.Command {
	return &cobra.Command{
		Use:   "push-key",
		Short: "Make a key for Web Push: the setting push.private_key, and the public key that browsers get",
		RunE: func(cmd *cobra.Command, _ []string) error {
			private, err := webpush.NewKey()
			if err != nil {
				return err
			}
			public, err := webpush.PublicKey(private)
			if err != nil {
				return err
			}
			printer(cmd)("push.private_key: %s\npublic: %s", private, public)
			return nil
		},
	}
}

func configuration(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check settings"}
	check := &cobra.Command{
		Use:   "check [PROCESS]",
		Short: "Print what a process would run with, secrets masked, and everything that is wrong with it",
		Long: "Print what a process (a service, api, or tiktok, which is the all-in-one and the default) would run with, secrets masked. It " +
			"reads every file that\n" +
			"the settings name. Exit code 2 when something is wrong with them.",
		ValidArgs: processNames(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("want one process, not %s", strings.Join(args, " "))
			}
			return nil
		},
	}
	s := addSettings(check, environ)
	s.data(check)
	check.RunE = func(cmd *cobra.Command, args []string) error {
		name := config.AllInOne
		if len(args) > 0 {
			name = args[0]
		}
		p, err := process(name)
		if err != nil {
			return err
		}
		cfg, err := s.load(p)
		if err != nil {
			return err
		}
		printer(cmd)("%s\n%s: settings are good", strings.Join(cfg.Masked(), "\n"), name)
		return nil
	}
	cmd.AddCommand(check, pushKey())
	return cmd
}
