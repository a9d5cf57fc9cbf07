// Package program is the command certs, so that the image can hold all commands in one file, and tiktok call it.
package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Exit codes.
const (
	exitFailed = 1 // a file could not be read or written
	exitUsage  = 2 // bad flags
)

const usage = `usage: certs [flags]        (also: tiktok certs [flags])

Makes a certificate authority, and certificates for mutual TLS between services and for the servers they use, in one folder:

  ca.crt ca.key               the authority; keep its key away from everything that runs
  NAME/{ca.crt,tls.crt,tls.key}   one folder for each of: %s

Run it again to renew what ends soon: what is still good stays. A certificate is in use as soon as its files are replaced; MySQL,
Redis, RabbitMQ, etcd and S3 may want to be told. Exit code: 0 done, 1 failed (run it again), 2 bad flags.

`

// Main is the program: it runs to its end and exits.
func Main() { os.Exit(Run(os.Args[1:], os.Stdout, os.Stderr)) } //nolint:forbidigo // boot.Main is for what has settings

// Run is the program with these arguments. It returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		fmt.Fprintf(stderr, "certs: %v\n", err)
		return exitUsage
	}
	if err := o.make(func(format string, args ...any) { fmt.Fprintf(stdout, format+"\n", args...) }); err != nil {
		fmt.Fprintf(stderr, "certs: %v\n", err)
		return exitFailed
	}
	return 0
}

// options is what the command line asks for.
type options struct {
	out     string
	hosts   map[string][]string // of one server, or of all of them under ""
	life    time.Duration
	renew   time.Duration
	keyMode os.FileMode
}

func parse(args []string, w io.Writer) (options, error) {
	o := options{hosts: map[string][]string{}, keyMode: 0o600}
	fs := flag.NewFlagSet("certs", flag.ContinueOnError)
	fs.SetOutput(w)
	fs.Usage = func() {
		fmt.Fprintf(w, usage, strings.Join(slices.Sorted(maps.Keys(leaves())), " "))
		fs.PrintDefaults()
	}
	fs.StringVar(&o.out, "out", "certs", "`folder` to make them in")
	fs.Func("hosts", "`names` and IP addresses by which servers are reached, besides NAME, localhost and loopback: db.internal,10.0.0.4 for "+
		"all servers, mysql=db.internal for one; may be repeated. Services are known by their names alone", func(s string) error {
		for _, part := range strings.Split(s, ",") {
			server, host, one := strings.Cut(part, "=")
			if !one {
				server, host = "", part
			}
			o.hosts[server] = append(o.hosts[server], host)
		}
		return nil
	})
	fs.DurationVar(&o.life, "life", 365*24*time.Hour, "how long a new certificate is valid")
	fs.DurationVar(&o.renew, "renew", 30*24*time.Hour, "renew certificates that end sooner")
	fs.Func("key-mode", "`mode` of the private keys (default 0600). The folder itself is 0700: with 0644 containers that run as other users "+
		"can read the keys in the folders they are given, and other users of this machine still cannot", func(s string) error {
		m, err := strconv.ParseUint(s, 8, 32)
		o.keyMode = os.FileMode(m)
		return err
	})
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("do not know what to do with %q", fs.Arg(0))
	}
	return o, nil
}

func (o options) check() error {
	if o.renew <= 0 || o.life <= o.renew {
		return fmt.Errorf("-life is %v, want more than -renew (%v), and that more than 0", o.life, o.renew)
	}
	if o.keyMode&^0o644 != 0 || o.keyMode&0o400 == 0 {
		return fmt.Errorf("-key-mode is %04o, want 0600, 0640 or 0644", o.keyMode)
	}
	for server, hosts := range o.hosts {
		if isServer, known := leaves()[server]; server != "" && (!known || !isServer) {
			return fmt.Errorf("-hosts: there is no server %q", server)
		}
		for _, h := range hosts {
			if net.ParseIP(h) == nil && !isName(h) {
				return fmt.Errorf("-hosts: %q is no name and no IP address", h)
			}
		}
	}
	return nil
}

// isName tells what can be a host's name.
func isName(h string) bool {
	ok, err := regexp.MatchString(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`, h)
	return err == nil && ok
}
