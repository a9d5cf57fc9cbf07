// Package program is the command deadletters, so that the image can hold all commands in one file.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tiktok/config"
	"tiktok/pkg/queue"
)

// Exit codes.
const (
	exitFailed = 1 // the broker is away, full, or has no such queue; the driver keeps no dead letters
	exitUsage  = 2 // bad flags or settings
)

const usage = `usage: deadletters list|replay|drop [flags]

  list     show the oldest dead letters; they stay
  replay   send the oldest dead letters back to the queue, as new events
  drop     remove the oldest dead letters, each written to standard output as a line of JSON first; needs -yes

Settings are read as by every process. Exit code: 0 done, 1 failed, 2 bad flags or settings.

`

// Main is the program: it runs to its end and exits.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // boot.Main takes no verbs
}

// command is what the command line asks for.
type command struct {
	verb  string
	name  string // of the queue
	limit int
	json  bool
	yes   bool
	cfg   config.Config
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	c, err := parse(args, environ, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "deadletters: %v\n", err)
		return exitUsage
	}
	d, err := queue.OpenDeadLetters(ctx, c.cfg.Queue, c.name)
	if err == nil {
		defer d.Close()
		err = c.do(ctx, d, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "deadletters: %v\n", err)
		return exitFailed
	}
	return 0
}

// parse reads the command line and the settings.
func parse(args, environ []string, w io.Writer) (c command, err error) {
	set := map[string]any{}
	var file string
	fs := flag.NewFlagSet("deadletters", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, usage)
		fs.PrintDefaults()
	}
	fs.StringVar(&file, "config", "", "YAML `file` with settings (see config/config.example.yaml)")
	fs.Func("set", "`key=value` sets any setting, e.g. -set queue.prefix=tiktok; may be repeated", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want key=value")
		}
		set[k] = v
		return nil
	})
	fs.StringVar(&c.name, "queue", "interaction", "`name` of the queue, after the prefix")
	fs.IntVar(&c.limit, "limit", 0, "at most so many; 0: list 20, replay and drop all that are there at the start")
	fs.BoolVar(&c.json, "json", false, "list: a line of JSON for each")
	fs.BoolVar(&c.yes, "yes", false, "drop: really")
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		c.verb, args = args[0], args[1:]
	}
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	switch {
	case fs.NArg() > 0:
		return c, fmt.Errorf("do not know what to do with %q", fs.Arg(0))
	case c.verb == "drop" && !c.yes:
		return c, errors.New("drop removes events for good: say -yes")
	case c.limit < 0:
		return c, fmt.Errorf("-limit is %d, want 0 or more", c.limit)
	case c.verb != "list" && c.verb != "replay" && c.verb != "drop":
		fs.Usage()
		return c, fmt.Errorf("want list, replay or drop, not %q", c.verb)
	}
	if c.cfg, err = config.Load(file, environ, set); err != nil {
		return c, err
	}
	return c, c.cfg.Validate(config.AllInOneProcess())
}

func (c command) do(ctx context.Context, d *queue.DeadLetters, stdout, stderr io.Writer) error {
	switch c.verb {
	case "replay":
		sent := 0
		n, err := d.Replay(ctx, c.limit, func(queue.DeadLetter) {
			if sent++; sent%100 == 0 {
				fmt.Fprintf(stderr, "%d replayed\n", sent)
			}
		})
		fmt.Fprintf(stdout, "%d replayed\n", n)
		return err
	case "drop":
		n, err := d.Drop(ctx, c.limit, encoder(stdout))
		fmt.Fprintf(stderr, "%d dropped\n", n)
		return err
	default:
		return c.list(ctx, d, stdout)
	}
}

// listed is how many list shows without -limit.
const listed = 20

func (c command) list(ctx context.Context, d *queue.DeadLetters, w io.Writer) error {
	there, err := d.Count(ctx)
	if err != nil {
		return err
	}
	limit := c.limit
	if limit == 0 {
		limit = listed
	}
	if c.json {
		_, err := d.List(ctx, limit, encoder(w))
		return err
	}
	fmt.Fprintf(w, "%d dead letters in %s.%s.dead", there, c.cfg.Queue.Prefix, c.name)
	if there > limit {
		fmt.Fprintf(w, ", the oldest %d", limit)
	}
	fmt.Fprintln(w)
	i := 0
	_, err = d.List(ctx, limit, func(l queue.DeadLetter) error {
		i++
		_, err := fmt.Fprint(w, pretty(i, l, time.Now()))
		return err
	})
	return err
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
