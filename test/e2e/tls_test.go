package e2e_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/services"
	"tiktok/cmd/tiktok/cli"
	"tiktok/config"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/tlsconf"
	"tiktok/pkg/transport"
	"tiktok/test/harness"
)

// TestTLS: every connection between the eight processes and to their servers is TLS, with certificates of one command; the
// product lives as ever, and who has no certificate, or another one, gets nowhere.
func TestTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("starts five servers")
	}
	certs, strangers := makeCerts(t), makeCerts(t)
	s := startSecure(t, certs)
	opts := []harness.Option{harness.MutualTLS(certs)}
	for k, v := range s.settings() {
		opts = append(opts, harness.Set(k, v))
	}
	d := harness.Distributed(t, opts...)
	t.Run("servers", func(t *testing.T) { testServersOverTLS(t, d.Config, filepath.Join(strangers, "ca.crt")) })
	t.Run("callers", func(t *testing.T) { testCallers(t, d.Config, certs, strangers) })
	t.Run("life", func(t *testing.T) { testLife(t, d) })
	d.Audit(t)
}

func makeCerts(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	var out strings.Builder
	if code := cli.Run(t.Context(), []string{"certs", "--out", dir, "--key-mode", "0644"}, nil, &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	return dir
}

// testServersOverTLS reaches each server as it should, with the authority of a stranger, and without TLS.
func testServersOverTLS(t *testing.T, cfg config.Config, stranger string) {
	quiet := slog.New(slog.DiscardHandler)
	for name, reach := range map[string]func(ctx context.Context, c config.Config) error{
		"mysql": func(ctx context.Context, c config.Config) error {
			db, err := sqldb.Open(ctx, c.DB, "user")
			if err != nil {
				return err
			}
			return db.Close()
		},
		"redis": func(ctx context.Context, c config.Config) error {
			store, err := kv.Open(ctx, c.Cache)
			if err != nil {
				return err
			}
			return errors.Join(store.Ping(ctx), store.Close())
		},
		"rabbitmq": func(ctx context.Context, c config.Config) error {
			q, err := queue.Open[string](ctx, c.Queue, "tls-test", quiet)
			if err != nil {
				return err
			}
			// It connects by itself, and fails at once until it has.
			for err = errors.New("never tried"); err != nil && ctx.Err() == nil; {
				if _, err = q.Publish(ctx, "hello"); err != nil {
					<-time.After(20 * time.Millisecond)
				}
			}
			return errors.Join(err, q.Close())
		},
		"dead letters": func(ctx context.Context, c config.Config) error {
			d, err := queue.OpenDeadLetters(ctx, c.Queue, "interaction")
			if err != nil {
				return err
			}
			defer d.Close()
			_, err = d.Count(ctx)
			return err
		},
		"etcd": func(ctx context.Context, c config.Config) error {
			cli, err := transport.DialEtcd(ctx, c.RPC)
			if err != nil {
				return err
			}
			_, err = cli.Get(ctx, c.RPC.RegistryPrefix+"/x")
			return errors.Join(err, cli.Close())
		},
		"s3": func(ctx context.Context, c config.Config) error {
			if c.Blob.Driver != blob.DriverS3 {
				return nil
			}
			store, err := blob.Open(ctx, c.Blob)
			if err != nil {
				return err
			}
			return store.Ping(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "s3" && cfg.Blob.Driver != blob.DriverS3 {
				t.Skip("no S3 server")
			}
			ask := func(change func(c *config.Config)) error {
				c := cfg
				c.Cache.Timeout, c.Blob.S3.Timeout = 2*time.Second, 2*time.Second
				change(&c)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				return reach(ctx, c)
			}
			if err := ask(func(*config.Config) {}); err != nil {
				t.Errorf("as it should be: %v", err)
			}
			all := func(f tlsconf.Files, scheme string) func(*config.Config) {
				return func(c *config.Config) {
					for _, conf := range []*tlsconf.Config{&c.DB.TLS, &c.Cache.TLS, &c.Queue.TLS, &c.Blob.S3.TLS, &c.RPC.RegistryTLS} {
						conf.Files = f
					}
					c.Queue.URL = strings.Replace(c.Queue.URL, "amqps:", "amqp"+scheme+":", 1)
					c.Blob.S3.Endpoint = strings.Replace(c.Blob.S3.Endpoint, "https:", "http"+scheme+":", 1)
				}
			}
			if err := ask(all(tlsconf.Files{CA: stranger}, "s")); err == nil {
				t.Error("a server with the certificate of a stranger is trusted")
			}
			if err := ask(all(tlsconf.Files{}, "")); err == nil {
				t.Error("it answers without TLS")
			}
		})
	}
	c := cfg.RPC
	c.RegistryPassword = "guess"
	if cli, err := transport.DialEtcd(t.Context(), c); err == nil {
		t.Error("etcd takes any password", cli.Close())
	}
}

// testCallers calls the real user service in other names than the gateway's.
func testCallers(t *testing.T, cfg config.Config, certs, strangers string) {
	login := func(t *testing.T, caller, dir, name string) error {
		t.Helper()
		c := cfg.RPC
		c.TLS = tlsconf.Files{
			CA:   filepath.Join(certs, "ca.crt"),
			Cert: filepath.Join(dir, name, "tls.crt"),
			Key:  filepath.Join(dir, name, "tls.key"),
		}
		remote, err := transport.NewRemote(caller, c, services.MethodsOf, telemetry.Discard())
		if err != nil {
			t.Fatal(err)
		}
		opts, err := remote.Dial("user")
		if err != nil {
			t.Fatal(err)
		}
		client, err := userservice.NewClient("user", opts...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Login(t.Context(), &user.LoginRequest{Username: "nobody", Password: "at all"})
		return err
	}
	for name, c := range map[string]struct {
		caller, dir, cert string
		want              *errno.Error
	}{
		"the gateway":                      {"api", certs, "api", errno.UserBadCredentials},
		"chat, which may call other":       {"chat", certs, "chat", errno.CallRefused},
		"chat, which says it is api":       {"api", certs, "chat", errno.CallRefused},
		"MySQL's certificate":              {"api", certs, "mysql", nil},
		"a certificate by somebody else's": {"api", strangers, "api", nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := login(t, c.caller, c.dir, c.cert)
			var answered *errno.Error
			switch {
			case c.want != nil && !errors.Is(errno.From(err), c.want):
				t.Errorf("got %v, want %v", err, c.want)
			case c.want == nil && (err == nil || errors.As(err, &answered) && !answered.Is(errno.OutcomeUnknown)):
				t.Errorf("answered: %v", err)
			}
		})
	}
}
