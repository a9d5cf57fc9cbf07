package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
)

// listed is how many dead letters list shows without --limit.
const listed = 20

// deadLetterFlags are what all commands about dead letters take.
type deadLetterFlags struct {
	*settings
	queue    string // its name after the prefix
	consumer string // of events; empty: those of queue
	limit    int
}

func deadLetters(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "dead-letters", Short: "Show, replay or drop the messages that a consumer gave up"}
	cmd.AddCommand(listDeadLetters(environ), replayDeadLetters(environ), dropDeadLetters(environ))
	return cmd
}

// addDeadLetters gives a command the flags of all, and makes it work on a queue's dead letters.
func addDeadLetters(
	cmd *cobra.Command,
	environ []string,
	most string,
	run func(context.Context, letters, *deadLetterFlags, config.Config) error,
) {
	f := &deadLetterFlags{settings: addSettings(cmd, environ)}
	f.data(cmd)
	cmd.Flags().StringVar(&f.queue, "queue", "interaction", "`name` of the queue, after the prefix; of all its partitions")
	cmd.Flags().StringVar(&f.consumer, "consumer", "", "instead of a queue: `name` of the service that consumes events, or "+outbox.BusItself+
		" for those that RabbitMQ does not take")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "at most so many, the oldest first; 0 is "+most)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.limit < 0 {
			return usagef("--limit is %d, want 0 or more", f.limit)
		}
		if f.consumer != "" && cmd.Flags().Changed("queue") {
			return usagef("say --queue or --consumer, not both")
		}
		if f.consumer != "" && f.consumer != outbox.BusItself && !consumes(f.consumer) {
			return usagef("--consumer is %q, which consumes no events", f.consumer)
		}
		cfg, err := f.load(config.AllInOneProcess())
		if err != nil {
			return err
		}
		if f.consumer == outbox.BusItself || f.consumer != "" && cfg.Queue.Driver != queue.DriverRabbitMQ {
			t, err := openTables(cmd.Context(), cfg, f.consumer)
			if err != nil {
				return err
			}
			return errors.Join(run(cmd.Context(), t, f, cfg), t.Close())
		}
		if f.consumer != "" {
			f.queue = outbox.QueueName(f.consumer)
		}
		partitions, err := queue.OpenPartitionsDeadLetters(cmd.Context(), cfg.Queue, f.queue)
		if err != nil {
			return err
		}
		all := make(several, len(partitions))
		for i, d := range partitions {
			defer d.Close()
			all[i] = d
		}
		return run(cmd.Context(), all, f, cfg)
	}
}

// consumes tells whether a service consumes events.
func consumes(name string) bool {
	return slices.ContainsFunc(services.Consumers(), func(c outbox.Consumer) bool { return c.Name == name })
}

// where says whose dead letters these are.
func (f *deadLetterFlags) where(cfg config.Config) string {
	if f.consumer == outbox.BusItself || f.consumer != "" && cfg.Queue.Driver != queue.DriverRabbitMQ {
		return "the outboxes, of " + f.consumer
	}
	return cfg.Queue.Prefix + "." + f.queue + ".dead"
}

func listDeadLetters(environ []string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "Show the oldest dead letters; they stay"}
	addDeadLetters(
		cmd,
		environ,
		fmt.Sprint(listed),
		func(ctx context.Context, d letters, f *deadLetterFlags, cfg config.Config) error {
			w := cmd.OutOrStdout()
			there, err := d.Count(ctx)
			if err != nil {
				return err
			}
			if f.limit == 0 {
				f.limit = listed
			}
			if asJSON {
				_, err := d.List(ctx, f.limit, encoder(w))
				return err
			}
			fmt.Fprintf(w, "%d dead letters in %s", there, f.where(cfg))
			if there > f.limit {
				fmt.Fprintf(w, ", the oldest %d", f.limit)
			}
			fmt.Fprintln(w)
			i := 0
			_, err = d.List(ctx, f.limit, func(l queue.DeadLetter) error {
				i++
				_, err := fmt.Fprint(w, pretty(i, l, time.Now()))
				return err
			})
			return err
		},
	)
	cmd.Flags().BoolVar(&asJSON, "json", false, "a line of JSON for each")
	return cmd
}

func replayDeadLetters(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "replay", Short: "Send the oldest dead letters back to the queue, as new messages"}
	addDeadLetters(
		cmd,
		environ,
		"all that are there at the start",
		func(ctx context.Context, d letters, f *deadLetterFlags, _ config.Config) error {
			sent := 0
			n, err := d.Replay(ctx, f.limit, func(queue.DeadLetter) {
				if sent++; sent%100 == 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "%d replayed\n", sent)
				}
			})
			printer(cmd)("%d replayed", n)
			return err
		},
	)
	return cmd
}

func dropDeadLetters(environ []string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "drop --yes",
		Short: "Remove the oldest dead letters for good, each written to standard output as a line of JSON first",
		PreRunE: func(*cobra.Command, []string) error {
			if !yes {
				return usagef("drop removes messages for good: say --yes")
			}
			return nil
		},
	}
	addDeadLetters(
		cmd,
		environ,
		"all that are there at the start",
		func(ctx context.Context, d letters, f *deadLetterFlags, _ config.Config) error {
			n, err := d.Drop(ctx, f.limit, encoder(cmd.OutOrStdout()))
			fmt.Fprintf(cmd.ErrOrStderr(), "%d dropped\n", n)
			return err
		},
	)
	cmd.Flags().BoolVar(&yes, "yes", false, "really")
	return cmd
}

// encoder writes each dead letter as a line of JSON.
func encoder(w io.Writer) func(queue.DeadLetter) error {
	enc := json.NewEncoder(w)
	return func(l queue.DeadLetter) error { return enc.Encode(l) }
}

// pretty is a dead letter for a person.
func pretty(i int, l queue.DeadLetter, now time.Time) string {
	age := "at an unknown time"
	if !l.Since.IsZero() {
		age = max(0, now.Sub(l.Since)).Round(time.Second).String() + " ago"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n%d. %s, attempts %d\n   %s\n", i, age, l.Attempts, strings.ReplaceAll(l.Reason, "\n", "\n   "))
	for _, e := range l.Events {
		b.WriteString("   ")
		if err := json.Indent(&b, e, "   ", "  "); err != nil {
			b.Write(e)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
