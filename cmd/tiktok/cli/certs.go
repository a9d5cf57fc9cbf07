package cli

import (
	"maps"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// certOptions is what the command line asks for.
type certOptions struct {
	out     string
	hosts   map[string][]string // of one server, or of all of them under ""
	life    time.Duration
	renew   time.Duration
	keyMode os.FileMode
}

func certs() *cobra.Command {
	o := certOptions{hosts: map[string][]string{}, keyMode: 0o600}
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Make certificates for mutual TLS between services, and for the servers that they use",
		Long: "Make a certificate authority, and certificates for mutual TLS between services and for the servers that they use, in one " +
			"folder:\n\n" +
			"  ca.crt ca.key                   the authority; keep its key away from everything that runs\n" +
			"  NAME/{ca.crt,tls.crt,tls.key}   one folder for each of: " + strings.Join(
			slices.Sorted(maps.Keys(certNames())),
			" ",
		) + "\n\n" +
			"Run it again to renew what ends soon: what is still good stays. A certificate is in use as soon as its files are replaced; MySQL, " +
			"Redis, RabbitMQ, etcd\n" +
			"and S3 may want to be told.",
		PreRunE: func(*cobra.Command, []string) error { return o.check() },
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.make(printer(cmd)) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.out, "out", "certs", "`folder` to make them in")
	fs.Func(
		"hosts",
		"`names` and IP addresses by which servers are reached, besides NAME, localhost and loopback: db.internal,10.0.0.4 for all servers, "+
			"mysql=db.internal for one; may be repeated. Services are known by their names alone",
		func(s string) error {
			for _, part := range strings.Split(s, ",") {
				server, host, one := strings.Cut(part, "=")
				if !one {
					server, host = "", part
				}
				o.hosts[server] = append(o.hosts[server], host)
			}
			return nil
		},
	)
	fs.DurationVar(&o.life, "life", 365*24*time.Hour, "how long a new certificate is valid")
	fs.DurationVar(&o.renew, "renew", 30*24*time.Hour, "renew certificates that end sooner")
	fs.Func(
		"key-mode",
		"`mode` of the private keys (default 0600). The folder itself is 0700: with 0644 containers that run as other users can read the "+
			"keys in the "+
			"folders they are given, and other users of this machine still cannot",
		func(s string) error {
			m, err := strconv.ParseUint(s, 8, 32)
			o.keyMode = os.FileMode(m)
			return err
		},
	)
	return cmd
}

// check returns what is wrong with the flags.
func (o certOptions) check() error {
	if o.renew <= 0 || o.life <= o.renew {
		return usagef("--life is %v, want more than --renew (%v), and that more than 0", o.life, o.renew)
	}
	if o.keyMode&^0o644 != 0 || o.keyMode&0o400 == 0 {
		return usagef("--key-mode is %04o, want 0600, 0640 or 0644", o.keyMode)
	}
	for server, hosts := range o.hosts {
		if isServer, known := certNames()[server]; server != "" && (!known || !isServer) {
			return usagef("--hosts: there is no server %q", server)
		}
		for _, h := range hosts {
			if net.ParseIP(h) == nil && !isHostName(h) {
				return usagef("--hosts: %q is no name and no IP address", h)
			}
		}
	}
	return nil
}

// isHostName tells what can be a host's name.
func isHostName(h string) bool {
	ok, err := regexp.MatchString(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`, h)
	return err == nil && ok
}
