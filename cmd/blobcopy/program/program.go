// Package program is the command blobcopy, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"tiktok/config"
	"tiktok/pkg/blob"
)

// Exit codes.
const (
	exitFailed = 1 // some object was not copied
	exitUsage  = 2 // bad flags or settings
)

const usage = `usage: blobcopy export|import [flags] FOLDER

  export   copy the objects that FOLDER does not have yet from the blob store to it
  import   copy the objects that the blob store does not have yet from FOLDER to it

Uploads under way (tmp/) are left out. Nothing is deleted. Settings are read as by every process; only blob is used.
Exit code: 0 done, 1 failed (run it again: it goes on where it was), 2 bad flags or settings.

`

// Main is the program: it runs to its end and exits.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code) //nolint:forbidigo // boot.Main takes no verbs
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	verb, folder, cfg, err := parse(args, environ, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "blobcopy: %v\n", err)
		return exitUsage
	}
	store, err := blob.Open(ctx, cfg.Blob)
	if err != nil {
		fmt.Fprintf(stderr, "blobcopy: blob store: %v\n", err)
		return exitFailed
	}
	files, err := blob.Open(ctx, blob.Config{Driver: blob.DriverLocal, Dir: folder})
	if err != nil {
		fmt.Fprintf(stderr, "blobcopy: folder: %v\n", err)
		return exitFailed
	}
	from, to := store, files
	if verb == "import" {
		from, to = files, store
	}
	done, err := copyAll(ctx, from, to)
	fmt.Fprintf(stdout, "%d objects, %d of them new, %d bytes copied\n", done.seen.Load(), done.copied.Load(), done.bytes.Load())
	if err != nil {
		fmt.Fprintf(stderr, "blobcopy: %v\n", err)
		return exitFailed
	}
	return 0
}

// parse reads the command line and the settings.
func parse(args, environ []string, w io.Writer) (verb, folder string, cfg config.Config, err error) {
	set := map[string]any{}
	fs := flag.NewFlagSet("blobcopy", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprint(w, usage)
		fs.PrintDefaults()
	}
	file := fs.String("config", "", "YAML `file` with settings (see config/config.example.yaml)")
	fs.Func("set", "`key=value` sets any setting, e.g. -set blob.dir=data/media; may be repeated", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("want key=value")
		}
		set[k] = v
		return nil
	})
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	if err := fs.Parse(args); err != nil {
		return "", "", cfg, err
	}
	if verb != "export" && verb != "import" || fs.NArg() != 1 {
		fs.Usage()
		return "", "", cfg, errors.New("want export or import, and one folder")
	}
	if cfg, err = config.Load(*file, environ, set); err != nil {
		return "", "", cfg, err
	}
	return verb, fs.Arg(0), cfg, cfg.Validate(config.AllInOneProcess())
}
