package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/transport"
)

// envConfig names the file with settings when --config does not.
const envConfig = config.EnvPrefix + "_CONFIG"

// settings are the flags that change settings.
type settings struct {
	environ []string
	file    string
	set     map[string]any
}

// addSettings gives a command the flags that every command with settings has.
func addSettings(cmd *cobra.Command, environ []string) *settings {
	s := &settings{set: map[string]any{}}
	for _, kv := range environ {
		if file, ok := strings.CutPrefix(kv, envConfig+"="); ok {
			s.file = file
			continue
		}
		s.environ = append(s.environ, kv)
	}
	cmd.Flags().StringVar(&s.file, "config", s.file, "YAML `file` with settings, as config/config.example.yaml (or "+envConfig+")")
	cmd.Flags().Func("set", "`key=value` sets any setting, e.g. --set telemetry.log_level=debug; may be repeated", func(text string) error {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("want key=value")
		}
		s.set[key] = value
		return nil
	})
	return s
}

// flag adds a flag that sets one setting.
func (s *settings) flag(cmd *cobra.Command, name, key, usage string) {
	cmd.Flags().Func(name, usage, func(value string) error { s.set[key] = value; return nil })
}

// toggle adds a flag that switches one setting.
func (s *settings) toggle(cmd *cobra.Command, name, key, usage string) {
	cmd.Flags().BoolFunc(name, usage, func(value string) error { s.set[key] = value; return nil })
}

// addr, data are flags of several commands.
func (s *settings) addr(cmd *cobra.Command) {
	s.flag(cmd, "addr", "gateway.addr", "public `address` (default "+config.Default().Gateway.Addr+")")
}

func (s *settings) data(cmd *cobra.Command) {
	s.flag(cmd, "data", "data_dir", "`folder` of the all-in-one's data (default ./"+config.Default().DataDir+")")
}

// variable is the value of an environment variable.
func (s *settings) variable(name string) string {
	for _, kv := range s.environ {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// load reads and checks the settings of a process.
func (s *settings) load(p config.Process) (config.Config, error) {
	cfg, err := boot.Settings(p, s.file, s.environ, s.set)
	if err == nil {
		err = services.CheckDatabases(cfg.DB)
	}
	return cfg, err
}

// Kinds of --healthcheck.
const (
	lives   = "live"
	isReady = "ready"
)

// runs gives a command --healthcheck, and makes it run a process to its end.
func (s *settings) runs(cmd *cobra.Command, process config.Process, run func(context.Context, *boot.Process) error) {
	var ask string
	const flag = "healthcheck"
	cmd.Flags().
		StringVar(&ask, flag, "", "ask the process that runs with these settings whether it lives, with =ready whether it can serve, and "+
			"end: 0 yes, 1 no")
	cmd.Flags().Lookup(flag).NoOptDefVal = lives
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		paths := map[string]string{"": "", lives: "/healthz", "true": "/healthz", isReady: "/readyz"}
		path, ok := paths[ask]
		if !ok {
			return usagef("want --healthcheck or --healthcheck=ready, not %q", ask)
		}
		cfg, err := s.load(process)
		if err != nil {
			return err
		}
		if path != "" {
			return boot.Probe(cmd.Context(), cfg, path)
		}
		transport.KeepGoroutines()
		return s.process(cmd, process, cfg, run)
	}
}

// process runs f with the telemetry of a process, whose log goes to standard error.
func (s *settings) process(
	cmd *cobra.Command,
	process config.Process,
	cfg config.Config,
	f func(context.Context, *boot.Process) error,
) error {
	p, err := boot.New(process, cfg, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer p.Telemetry.Close()
	return f(cmd.Context(), p)
}

// printer prints a line.
func printer(cmd *cobra.Command) func(format string, args ...any) {
	return func(format string, args ...any) { fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
}
