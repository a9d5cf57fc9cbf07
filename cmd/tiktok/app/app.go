// Package app is the all-in-one: gateway and services in one process, calling each other without a socket. Tests start
// it as a value.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/services"
	"tiktok/cmd/tiktok/app/demo"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// stopTimeout bounds a graceful stop.
const stopTimeout = 20 * time.Second

// App is a started-on-demand all-in-one. Open it, then Run it once.
type App struct {
	cfg     config.Config
	tel     *telemetry.Telemetry
	group   lifecycle.Group
	servers map[string]server.Server // of the services, by name
	gateway services.Part
	demo    demo.InProcess
	onReady func()
}

// Open opens the stores and the public address and fails when the data folder or the address is in use. Nothing is
// served before Run.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry) (*App, error) {
	a := &App{cfg: cfg, tel: tel, servers: map[string]server.Server{}, onReady: func() {}}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.group.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context) error {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockDir(a.cfg.DataDir)
	if err != nil {
		return err
	}
	a.group.Add("data folder", nil, lock.Close)
	if a.cfg.Auth.Secret == "" && a.cfg.Auth.SecretFile == "" {
		a.cfg.Auth.SecretFile = filepath.Join(a.cfg.DataDir, "secret")
		if _, err := auth.LoadOrCreateSecrets(a.cfg.Auth.SecretFile); err != nil {
			return err
		}
	}
	if err := a.openServices(ctx); err != nil {
		return err
	}
	blobs, err := blob.Open(ctx, a.cfg.Blob)
	if err != nil {
		return err
	}
	clients, err := rpc.NewClients(a.dial("api"))
	if err != nil {
		return err
	}
	a.demo = demo.InProcess{Clients: clients, Blobs: blobs}
	if a.cfg.Telemetry.AdminAddr == "" {
		return nil
	}
	admin, err := telemetry.ListenAdmin(ctx, a.cfg.Telemetry.AdminAddr, a.tel, a.gateway.Checks)
	if err != nil {
		return err
	}
	a.group.Add("admin", admin.Run, nil)
	return nil
}

// openServices opens the services in call order: each gets clients of services opened before it.
func (a *App) openServices(ctx context.Context) error {
	d := services.Deps{Config: a.cfg, Telemetry: a.tel, IDs: id.New(0), Demo: a.demoAccounts()}
	var err error
	if d.Bus, err = outbox.OpenBus(ctx, a.cfg.Queue, services.Consumers(), a.tel); err != nil {
		return err
	}
	a.group.Add("bus", nil, d.Bus.Close)
	if d.Push, err = push.Open(ctx, a.cfg.Cache, a.tel); err != nil {
		return err
	}
	a.group.Add("push", nil, d.Push.Close)
	for _, s := range services.All() {
		d.Dial = a.dial(s.Name)
		p, err := s.Open(ctx, d)
		if err != nil {
			return err
		}
		if p.NewServer == nil {
			a.gateway = p
			a.group.Add("gateway", a.runGateway, p.Close)
			continue
		}
		a.group.Add(s.Name, p.Run, p.Close)
		a.servers[s.Name] = p.NewServer(s.ServerOptions(a.tel)...)
	}
	return nil
}

// dial reaches the servers of this process that are open by then, in the name of caller.
func (a *App) dial(caller string) transport.Dial {
	return func(service string) ([]client.Option, error) {
		srv, ok := a.servers[service]
		if !ok {
			return nil, fmt.Errorf("%s is not open when %s is", service, caller)
		}
		opt, err := transport.Local(caller, srv)
		return []client.Option{opt, transport.Outcomes(services.MethodsOf(service))}, err
	}
}

// OnReady sets what is called once the demo content is there and requests are about to be answered. Call it before Run.
func (a *App) OnReady(f func()) { a.onReady = f }

// Addr is the bound public address.
func (a *App) Addr() string { return a.gateway.Addr() }

// Run serves until ctx ends, then stops in reverse order of start and releases everything.
func (a *App) Run(ctx context.Context) error { return a.group.Run(ctx, stopTimeout, a.tel.Log) }

// runGateway makes the demo content before the first request is answered: connections wait meanwhile.
func (a *App) runGateway(ctx context.Context) error {
	if a.cfg.Demo.Enabled {
		if err := a.seed(ctx); err != nil {
			return fmt.Errorf("demo content: %w", err)
		}
	}
	a.onReady()
	return a.gateway.Run(ctx)
}

// demoAccounts are those that log in from nearby only. A store keeps its demo accounts when no demo content is wanted any
// more, so that does not matter.
func (a *App) demoAccounts() handler.Demo {
	if a.cfg.Demo.Public {
		return handler.Demo{}
	}
	return handler.Demo{Accounts: demo.Users(), Password: demo.Password}
}

// seed makes the demo content when there is no video yet, or goes on where an interrupted start left off: a file exists from
// its first to its last step.
func (a *App) seed(ctx context.Context) error {
	unfinished := filepath.Join(a.cfg.DataDir, "demo.unfinished")
	if _, err := os.Stat(unfinished); err != nil {
		if empty, err := a.demo.Empty(ctx); err != nil || !empty {
			return err
		}
	}
	if err := os.WriteFile(unfinished, nil, 0o600); err != nil {
		return err
	}
	if err := demo.Fill(ctx, a.demo, demo.Password, func(string, ...any) {}); err != nil {
		return err
	}
	return os.Remove(unfinished)
}
