package cli

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"tiktok/pkg/id"
	"tiktok/pkg/transport"
	"tiktok/test/harness"
)

// startEtcd is an etcd of the test's own, without logins.
func startEtcd(t *testing.T) transport.Config {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		t.Skip(err)
	}
	client, peer := harness.FreePort(t), harness.FreePort(t)
	cmd := exec.Command(
		"etcd",
		"--name=x",
		"--data-dir="+filepath.Join(t.TempDir(), "etcd"),
		"--listen-client-urls=http://"+client, //nolint:noctx // killed below
		"--advertise-client-urls=http://"+client,
		"--listen-peer-urls=http://"+peer,
		"--initial-advertise-peer-urls=http://"+peer,
		"--initial-cluster=x=http://"+peer,
	)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return transport.Config{Registry: []string{client}, RegistryPrefix: "tiktok", RegistryUsername: "tiktok", RegistryPassword: "first"}
}

// try does something with an account, or with none.
func try(t *testing.T, cfg transport.Config, do func(ctx context.Context, cli *clientv3.Client) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	cli, err := transport.DialEtcd(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = cli.Close() }()
	return do(ctx, cli)
}

func put(key string) func(context.Context, *clientv3.Client) error {
	return func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Put(ctx, key, "x")
		return err
	}
}

func TestEtcdLogin(t *testing.T) {
	cfg := startEtcd(t)
	open := cfg
	open.RegistryUsername, open.RegistryPassword = "", ""
	harness.Eventually(t, 30*time.Second, func() error { return try(t, open, put("tiktok/user/before")) })

	if err := try(t, open, put(id.LegacyPrefix+"user/1/until")); err != nil { // there were processes of before
		t.Fatal(err)
	}

	login := func(cfg transport.Config, password string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return protect(ctx, cfg, password, func(string, ...any) {})
	}
	if err := login(cfg, "of root"); err != nil {
		t.Fatal(err)
	}
	if err := try(t, open, put("tiktok/user/fake")); err == nil {
		t.Error("somebody without a login registered a service")
	}
	for _, key := range []string{"tiktok/user/127.0.0.1:1", id.LeasePrefix("tiktok") + "user/1", id.LegacyPrefix + "user/1"} {
		if err := try(t, cfg, put(key)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := try(t, cfg, put("another/key")); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("another deployment's key: %v", err)
	}

	// Again, with another password for the processes; root's is needed now.
	renewed := cfg
	renewed.RegistryPassword = "second"
	if err := login(renewed, "a guess"); err == nil {
		t.Error("done with a wrong password of root")
	}
	if err := login(renewed, "of root"); err != nil {
		t.Fatal(err)
	}
	if err := try(t, renewed, put("tiktok/user/127.0.0.1:1")); err != nil {
		t.Errorf("with the new password: %v", err)
	}
	if err := try(t, cfg, put("tiktok/user/127.0.0.1:1")); err == nil {
		t.Error("the former password is taken")
	}
}

func TestProtectAsksForEverything(t *testing.T) {
	good := transport.Config{Registry: []string{"127.0.0.1:1"}, RegistryUsername: "tiktok", RegistryPassword: "x"}
	for name, change := range map[string]func(*transport.Config) string{
		"no etcd":     func(c *transport.Config) string { c.Registry = nil; return "x" },
		"no account":  func(c *transport.Config) string { c.RegistryUsername = ""; return "x" },
		"no password": func(c *transport.Config) string { c.RegistryPassword = ""; return "x" },
		"root itself": func(c *transport.Config) string { c.RegistryUsername = etcdRoot; return "x" },
		"no root":     func(*transport.Config) string { return "" },
	} {
		cfg := good
		password := change(&cfg)
		if err := protect(t.Context(), cfg, password, func(string, ...any) {}); err == nil {
			t.Errorf("%s: done", name)
		}
	}
}
