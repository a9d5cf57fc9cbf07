package boot

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/pki"
	"tiktok/pkg/pki/pkitest"
)

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

// start makes the process of that name.
func start(t *testing.T, name string, environ []string) (p *Process, log string) {
	t.Helper()
	cfg, err := Settings(process(name), "", environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p, err = New(process(name), cfg, &out)
	if err != nil {
		t.Fatal(err)
	}
	return p, out.String()
}

func TestBadSettings(t *testing.T) {
	var bad SettingsError
	if _, err := Settings(process("user"), "", nil, map[string]any{"db.driver": "x"}); !errors.As(err, &bad) ||
		!strings.Contains(err.Error(), "rpc.registry") {
		t.Errorf("got %v", err)
	}
}

// The key that signs tokens is the gateway's: a service that is given it says so and forgets it.
func TestOnlyTheGatewayKeepsTheSecret(t *testing.T) {
	environ := []string{
		"TIKTOK_AUTH_SECRET=tops3cret-tops3cret-tops3cret-1234",
		"TIKTOK_RPC_REGISTRY=127.0.0.1:1",
		"TIKTOK_GATEWAY_PUBLIC_BASE_URL=from-host",
	}
	for service, keeps := range map[string]bool{"api": true, config.AllInOne: true, "video": false, "user": false} {
		p, log := start(t, service, environ)
		if (p.Config.Auth.Secret != "") != keeps || strings.Contains(log, "auth.secret") == keeps || strings.Contains(log, "tops3cret") {
			t.Errorf("%s has %q and says %q", service, p.Config.Auth.Secret, log)
		}
	}
}

// When a certificate ends is a metric, from the file as it is now.
func TestCertificatesAreWatched(t *testing.T) {
	ca := pkitest.New(t)
	f := ca.Service(t, "user")
	environ := []string{
		"TIKTOK_RPC_REGISTRY=127.0.0.1:1",
		"TIKTOK_RPC_TLS_CA=" + f.CA,
		"TIKTOK_RPC_TLS_CERT=" + f.Cert,
		"TIKTOK_RPC_TLS_KEY=" + f.Key,
	}
	p, _ := start(t, "user", environ)
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
