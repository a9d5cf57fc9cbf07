package boot

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/pki"
	"tiktok/pkg/pki/pkitest"
)

func flags() []Flag {
	return []Flag{{Name: "addr", Key: "gateway.addr"}, {Name: "demo", Key: "demo.enabled", Bool: true}}
}

// process is one that these tests load, as cmd/services describes it.
func process(name string) config.Process {
	switch name {
	case "api":
		return config.Process{Name: name, AdminAddr: "127.0.0.1:10101", Uses: config.Uses{Gateway: true, Media: true}}
	case config.AllInOne:
		return config.AllInOneProcess()
	}
	return config.Process{Name: name, RPCAddr: "127.0.0.1:10002", AdminAddr: "127.0.0.1:10102", Uses: config.Uses{DB: true, Queue: true}}
}

func TestLoad(t *testing.T) {
	var out bytes.Buffer
	p, done, err := load(t.Context(), config.AllInOneProcess(), []string{"-addr", ":7", "-demo=false", "-set", "db.max_open=3"}, []string{"TIKTOK_GATEWAY_ADDR=:8"}, &out, flags())
	if err != nil || done {
		t.Fatal(done, err, out.String())
	}
	if p.Config.Gateway.Addr != ":7" || p.Config.Demo.Enabled || p.Config.DB.MaxOpen != 3 {
		t.Fatalf("got %+v", p.Config)
	}
}

func TestCheckConfigPrintsWithoutSecrets(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(secret, []byte("auth: {secret: tops3cret-tops3cret-tops3cret-1234}\nrpc: {registry: ['127.0.0.1:1']}\ngateway: {public_base_url: from-host}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, done, err := load(t.Context(), process("api"), []string{"-config", secret, "-check-config"}, nil, &out, flags())
	if err != nil || !done || !strings.Contains(out.String(), "settings are good") || strings.Contains(out.String(), "tops3cret") {
		t.Fatalf("%v %v\n%s", done, err, out.String())
	}
}

// The key that signs tokens is the gateway's: a service that is given it says so and forgets it.
func TestOnlyTheGatewayKeepsTheSecret(t *testing.T) {
	environ := []string{"TIKTOK_AUTH_SECRET=tops3cret-tops3cret-tops3cret-1234", "TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_GATEWAY_PUBLIC_BASE_URL=from-host"}
	for service, keeps := range map[string]bool{"api": true, config.AllInOne: true, "video": false, "user": false} {
		var out bytes.Buffer
		p, _, err := load(t.Context(), process(service), nil, environ, &out, flags())
		if err != nil {
			t.Fatalf("%s: %v\n%s", service, err, out.String())
		}
		if (p.Config.Auth.Secret != "") != keeps || strings.Contains(out.String(), "auth.secret") == keeps || strings.Contains(out.String(), "tops3cret") {
			t.Errorf("%s has %q and says %q", service, p.Config.Auth.Secret, out.String())
		}
	}
}

func TestBadStartsAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		service string
		args    []string
		environ []string
		want    string
	}{
		"flag":        {config.AllInOne, []string{"-nope"}, nil, "-nope"},
		"key":         {config.AllInOne, []string{"-set", "db.nope=1"}, nil, "db.nope"},
		"no value":    {config.AllInOne, []string{"-set", "db.dir"}, nil, "key=value"},
		"environment": {config.AllInOne, nil, []string{"TIKTOK_NOPE=1"}, "TIKTOK_NOPE"},
		"registry":    {"user", nil, nil, "rpc.registry"},
		"all at once": {"api", nil, []string{"TIKTOK_DB_DRIVER=x", "TIKTOK_QUEUE_DRIVER=y"}, "queue.driver"},
	} {
		var out bytes.Buffer
		_, _, err := load(t.Context(), process(c.service), c.args, c.environ, &out, nil)
		if err == nil || !strings.Contains(out.String(), c.want) || exitCode(err, 2) != 2 {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

func TestExitCodes(t *testing.T) {
	if exitCode(nil, 1) != 0 || exitCode(flag.ErrHelp, 2) != 0 || exitCode(errors.New("x"), 1) != 1 {
		t.Fatal("exit codes")
	}
}

// When a certificate ends is a metric, from the file as it is now.
func TestCertificatesAreWatched(t *testing.T) {
	ca := pkitest.New(t)
	f := ca.Service(t, "user")
	environ := []string{"TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_RPC_TLS_CA=" + f.CA, "TIKTOK_RPC_TLS_CERT=" + f.Cert, "TIKTOK_RPC_TLS_KEY=" + f.Key}
	var out bytes.Buffer
	p, _, err := load(t.Context(), process("user"), nil, environ, &out, nil)
	if err != nil {
		t.Fatal(err, out.String())
	}
	ends := func() time.Time {
		all, err := p.Telemetry.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.GetName() == "tiktok_certificate_expires_timestamp_seconds" && len(m.GetMetric()) == 1 {
				return time.Unix(int64(m.GetMetric()[0].GetGauge().GetValue()), 0)
			}
		}
		t.Fatal("no metric")
		return time.Time{}
	}
	if d := time.Until(ends()); d < 59*time.Minute || d > time.Hour {
		t.Errorf("it ends in %v, want an hour", d)
	}
	ca.Replace(t, f, pki.Leaf{Hosts: []string{"user"}, Client: true, Life: time.Minute})
	if d := time.Until(ends()); d > time.Minute {
		t.Errorf("the new one ends in %v, want a minute", d)
	}
	if err := os.Remove(f.Cert); err != nil {
		t.Fatal(err)
	}
	if at := ends(); at.Unix() != 0 {
		t.Errorf("without the file: %v", at)
	}
}
