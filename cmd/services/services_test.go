package services_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/server"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/push"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// A new service is complete: its name can be a schema, a host and a label, and it has addresses of its own, migrations and
// a program.
func TestEverySpecIsComplete(t *testing.T) {
	seen := map[string]string{}
	for i, s := range services.All() {
		if !regexp.MustCompile(`^[a-z]+$`).MatchString(s.Name) || s.Name == config.AllInOne {
			t.Errorf("%q is no good name", s.Name)
		}
		isGateway := i == len(services.All())-1
		if isGateway != s.Uses.Gateway || isGateway != (s.RPCAddr == "") || isGateway != (s.Methods == nil) ||
			isGateway != (s.Migrations == nil) ||
			isGateway == s.Uses.DB {
			t.Errorf("%s: %+v: the gateway, and only the gateway, has no RPC and no schema; it is the last", s.Name, s.Process)
		}
		for _, addr := range []string{s.RPCAddr, s.AdminAddr} {
			if addr == "" && isGateway {
				continue
			}
			if host, _, err := net.SplitHostPort(addr); err != nil || host != "127.0.0.1" || seen[addr] != "" {
				t.Errorf("%s: address %q, which %q has, or which is not on loopback", s.Name, addr, seen[addr])
			}
			seen[addr] = s.Name
		}
		if s.Open == nil {
			t.Errorf("%s cannot be opened", s.Name)
		}
		if found, ok := services.Find(s.Name); !ok || found.Process != s.Process {
			t.Errorf("%s is not found", s.Name)
		}
		if _, err := os.Stat(filepath.Join("..", s.Name, "main.go")); err != nil {
			t.Errorf("%s has no main: %v", s.Name, err)
		}
	}
	if services.Gateway().Name != services.Names()[len(services.Names())-1] {
		t.Error("the gateway is not the last")
	}
	media, ok := services.Find("media")
	if !ok || media.RPCAddr != "" || media.Schema != "video" || media.Migrations != nil || seen[media.AdminAddr] != "" ||
		slices.Contains(services.Names(), media.Name) {
		t.Errorf("media is none of All, works on the schema of video, and has an admin address of its own: %+v", media.Process)
	}
	if _, ok := services.Find(config.AllInOne); ok {
		t.Error("the all-in-one is not a service")
	}
}

// open opens all services in one process, without running them, and returns them with their servers.
func open(t *testing.T) (map[string]services.Part, map[string]server.Server) {
	t.Helper()
	cfg, err := config.Load("", nil, map[string]any{
		"data_dir": t.TempDir(), "gateway.addr": "127.0.0.1:0", "media.ffmpeg": "off", "auth.secret": "only for tests, but long enough.....",
	})
	if err != nil {
		t.Fatal(err)
	}
	group := &lifecycle.Group{}
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	parts, servers := map[string]services.Part{}, map[string]server.Server{}
	d := services.Deps{Config: cfg, Telemetry: telemetry.Discard(), IDs: id.New(0)}
	d.Push = push.NewMemory(d.Telemetry)
	for _, s := range services.All() {
		d.Dial = func(service string) ([]client.Option, error) {
			if servers[service] == nil {
				return nil, errors.New("is not open yet")
			}
			opt, err := transport.Local(s.Name, servers[service])
			return []client.Option{opt}, err
		}
		p, err := s.Open(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		group.Add(s.Name, nil, p.Close)
		if parts[s.Name] = p; p.NewServer != nil {
			servers[s.Name] = p.NewServer(s.ServerOptions(d.Telemetry)...)
		}
	}
	return parts, servers
}

// Every method of every service has callers, which exist; a service that is called is opened before its callers.
func TestEveryMethodHasCallers(t *testing.T) {
	parts, servers := open(t)
	for i, s := range services.All() {
		p := parts[s.Name]
		if len(p.Checks) == 0 || p.Checks[0].Name != s.Name || p.Run == nil || p.Close == nil {
			t.Errorf("%s: checks %+v", s.Name, p.Checks)
		}
		if s.RPCAddr == "" {
			if p.NewServer != nil || p.Addr == nil || p.Addr() == "" {
				t.Errorf("%s has a public address and no RPC", s.Name)
			}
			continue
		}
		infos := servers[s.Name].GetServiceInfos()
		if len(infos) != 1 {
			t.Fatalf("%s has %d RPC services", s.Name, len(infos))
		}
		for _, info := range infos {
			for method := range info.Methods {
				if len(s.Methods[method].Callers) == 0 {
					t.Errorf("%s.%s: nobody may call it", s.Name, method)
				}
			}
			for method, m := range s.Methods {
				if _, ok := info.Methods[method]; !ok {
					t.Errorf("%s has no method %s", s.Name, method)
				}
				for _, c := range m.Callers {
					if slices.Index(services.Names(), c) <= i {
						t.Errorf("%s.%s: %q cannot be a caller: there is none that starts later", s.Name, method, c)
					}
				}
			}
		}
	}
}

// Counters of every service that has some can be recounted in an empty schema.
func TestAudit(t *testing.T) {
	cfg, err := config.Load("", nil, map[string]any{"data_dir": t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := kv.Open(t.Context(), cfg.Cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	schemas, tel := services.Schemas{}, telemetry.Discard()
	var audited []string
	for _, s := range services.All() {
		if s.Audit == nil {
			continue
		}
		audited = append(audited, s.Name)
		db, err := sqldb.OpenMigrated(t.Context(), cfg.DB, s.Name, s.Migrations(), tel.Log, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		schemas[s.Name] = db
	}
	for _, s := range services.All() {
		if s.Audit == nil {
			continue
		}
		if n, err := s.Audit(schemas, cache).Audit(t.Context(), t.Logf); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", s.Name, n, err)
		}
	}
	if want := []string{"video", "interaction", "social", "chat", "notice", "discovery"}; !slices.Equal(audited, want) {
		t.Errorf("audited %v, want %v", audited, want)
	}
}

type users struct{ user.UserService }

func (*users) Login(context.Context, *user.LoginRequest) (*user.LoginResponse, error) {
	return &user.LoginResponse{UserId: 7}, nil
}

// Who may call what holds within one process too.
func TestOthersAreRefused(t *testing.T) {
	tel := telemetry.Discard()
	spec, ok := services.Find("user")
	if !ok {
		t.Fatal("no user service")
	}
	for caller, want := range map[string]*errno.Error{"api": nil, "chat": errno.CallRefused, "user": errno.CallRefused} {
		local, err := transport.Local(caller, userservice.NewServer(&users{}, spec.ServerOptions(tel)...))
		if err != nil {
			t.Fatal(err)
		}
		c, err := userservice.NewClient("user", local)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Login(t.Context(), &user.LoginRequest{Username: "alice", Password: "secret"})
		if want == nil && err != nil || want != nil && !errors.Is(errno.From(err), want) {
			t.Errorf("Login called by %q: %v", caller, err)
		}
	}
}
