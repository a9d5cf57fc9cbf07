// Package cli is the command line of the product: one program, tiktok, with a command for everything that it does.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/telemetry"
)

// Exit codes.
const (
	exitFailed = 1 // also: the process that --healthcheck asked is not well, counters are wrong
	exitUsage  = 2 // arguments, flags or settings
)

// Main runs the command that args and then the command line name, and exits: 0 after a clean stop, 1 when it failed, 2 for
// bad arguments, flags or settings.
func Main(args ...string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, append(args, os.Args[1:]...), os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Run runs the command that args name, and returns the exit code.
func Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := command(environ)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := oldFlag(args); err != nil {
		return report(root, err)
	}
	used, err := root.ExecuteContextC(ctx)
	return report(used, err)
}

// usageError is a command line or settings that cannot be used.
type usageError struct{ error }

// Unwrap is the cause.
func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// report prints what went wrong and returns the exit code.
func report(cmd *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", cmd.CommandPath(), err)
	var usage usageError
	var settings boot.SettingsError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(cmd.ErrOrStderr(), "See %s --help.\n", cmd.CommandPath())
		return exitUsage
	case errors.As(err, &settings):
		return exitUsage
	}
	return exitFailed
}

// oldFlag refuses flags with one dash, as they were once written: -healthcheck would be taken for -h.
func oldFlag(args []string) error {
	for _, arg := range args {
		if arg == "--" {
			return nil
		}
		if m := regexp.MustCompile(`^-([a-z][a-z-]+)(=.*)?$`).FindStringSubmatch(arg); m != nil {
			return usagef("%s: use --%s", arg, m[1])
		}
	}
	return nil
}

// Groups of commands in the help.
const (
	groupRun     = "run"
	groupOperate = "operate"
)

// command is the whole command line.
func command(environ []string) *cobra.Command {
	root := allInOne(environ)
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Processes of the distributed deployment:"},
		&cobra.Group{ID: groupOperate, Title: "Operation:"},
	)
	for _, s := range services.Processes() {
		root.AddCommand(grouped(groupRun, runService(s, environ))...)
	}
	root.AddCommand(grouped(
		groupOperate,
		audit(
			environ,
		),
		migrate(environ),
		deadLetters(environ),
		blobs(environ),
		searchIndex(environ),
		demoContent(),
		certs(),
		etcdLogin(environ),
		configuration(environ),
	)...)
	root.AddCommand(list(), version())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{hint(cmd, err)} })
	finish(root)
	return root
}

func grouped(group string, commands ...*cobra.Command) []*cobra.Command {
	for _, c := range commands {
		c.GroupID = group
	}
	return commands
}

// finish gives every command what all have.
func finish(cmd *cobra.Command) {
	v, _ := telemetry.Version()
	cmd.Version = v
	cmd.SetVersionTemplate("tiktok {{.Version}}\n")
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SuggestionsMinimumDistance = 2
	cmd.Flags().SortFlags = false
	if cmd.Args == nil {
		cmd.Args = none
	}
	if cmd.HasSubCommands() && cmd.Run == nil && cmd.RunE == nil {
		cmd.RunE = func(cmd *cobra.Command, _ []string) error {
			return usagef("which of %s?", strings.Join(names(cmd), ", "))
		}
	}
	for _, c := range cmd.Commands() {
		finish(c)
	}
}

func names(cmd *cobra.Command) []string {
	var out []string
	for _, c := range cmd.Commands() {
		out = append(out, c.Name())
	}
	return out
}

// none refuses arguments, and knows what may have been meant.
func none(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return usagef("%q is one argument too many", args[0])
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usagef("there is no command %q", args[0])
}

// hint adds to an unknown flag what it has become.
func hint(_ *cobra.Command, err error) error {
	if strings.HasSuffix(err.Error(), ": --check-config") {
		return fmt.Errorf("%w; use %s config check", err, config.AllInOne)
	}
	return err
}

// exactly takes the arguments of these names.
func exactly(want ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != len(want) {
			return usagef("want %d arguments, %s, and have %d", len(want), strings.Join(want, " "), len(args))
		}
		return nil
	}
}

// processNames are what a command can be about: a service or the all-in-one.
func processNames() []string {
	return slices.Concat(services.Names(), []string{services.Media().Name, config.AllInOne})
}

// process is the one of that name.
func process(name string) (config.Process, error) {
	if name == config.AllInOne {
		return config.AllInOneProcess(), nil
	}
	if s, ok := services.Find(name); ok {
		return s.Process, nil
	}
	return config.Process{}, usagef("there is no process %q, only %s", name, strings.Join(processNames(), ", "))
}
