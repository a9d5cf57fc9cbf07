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

	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/gateway"
	chatrpc "tiktok/cmd/chat/rpc"
	chat "tiktok/cmd/chat/service"
	interactionrpc "tiktok/cmd/interaction/rpc"
	interaction "tiktok/cmd/interaction/service"
	"tiktok/cmd/internal/access"
	socialrpc "tiktok/cmd/social/rpc"
	social "tiktok/cmd/social/service"
	user "tiktok/cmd/user/service"
	video "tiktok/cmd/video/service"
	"tiktok/config"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/lifecycle"
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
	clients rpc.Clients
	gateway *gateway.Gateway
	demo    *demo
	onReady func()
}

// Open opens the stores and the public address and fails when the data folder or the address is in use. Nothing is
// served before Run.
func Open(ctx context.Context, cfg config.Config, tel *telemetry.Telemetry) (*App, error) {
	a := &App{cfg: cfg, tel: tel, onReady: func() {}}
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
		if _, err := auth.LoadOrCreateSecret(a.cfg.Auth.SecretFile); err != nil {
			return err
		}
	}
	if err := a.openServices(ctx, id.New(0)); err != nil {
		return err
	}
	blobs, err := blob.Open(ctx, a.cfg.Blob)
	if err != nil {
		return err
	}
	a.demo = newDemo(a.clients, blobs, a.cfg.DataDir)
	if a.gateway, err = gateway.Open(ctx, a.cfg, a.tel, a.clients, demoAccounts(a.cfg.Demo)); err != nil {
		return err
	}
	a.group.Add("gateway", a.runGateway, a.gateway.Close)
	if a.cfg.Telemetry.AdminAddr == "" {
		return nil
	}
	admin, err := telemetry.ListenAdmin(ctx, a.cfg.Telemetry.AdminAddr, a.tel, []telemetry.Check{{Name: "gateway", Ready: a.gateway.Ready}})
	if err != nil {
		return err
	}
	a.group.Add("admin", admin.Run, nil)
	return nil
}

// openServices opens the services in call order: each gets clients of services opened before it.
func (a *App) openServices(ctx context.Context, ids *id.Generator) error {
	users, err := user.Open(ctx, a.cfg, a.tel, ids)
	if err != nil {
		return err
	}
	a.group.Add("user", users.Run, users.Close)
	userServer := userservice.NewServer(users, access.ServerOptions("user", a.tel)...)

	deleted, err := video.OpenDeleted(ctx, a.cfg, a.tel)
	if err != nil {
		return err
	}
	a.group.Add("deleted videos", nil, deleted.Close)
	videos, err := video.Open(ctx, a.cfg, a.tel, ids, deleted)
	if err != nil {
		return err
	}
	a.group.Add("video", videos.Run, videos.Close)
	videoServer := videoservice.NewServer(videos, access.ServerOptions("video", a.tel)...)

	toVideo, err := local("interaction", "video", videoServer, videoservice.NewClient)
	if err != nil {
		return err
	}
	interactions, err := interaction.Open(ctx, a.cfg, a.tel, ids, interactionrpc.Peers{Videos: toVideo}, deleted)
	if err != nil {
		return err
	}
	a.group.Add("interaction", interactions.Run, interactions.Close)
	interactionServer := interactionservice.NewServer(interactions, access.ServerOptions("interaction", a.tel)...)

	toUser, err := local("social", "user", userServer, userservice.NewClient)
	if err != nil {
		return err
	}
	socials, err := social.Open(ctx, a.cfg, a.tel, ids, socialrpc.Peers{Users: toUser})
	if err != nil {
		return err
	}
	a.group.Add("social", socials.Run, socials.Close)
	socialServer := socialservice.NewServer(socials, access.ServerOptions("social", a.tel)...)

	if toUser, err = local("chat", "user", userServer, userservice.NewClient); err != nil {
		return err
	}
	chats, err := chat.Open(ctx, a.cfg, a.tel, ids, chatrpc.Peers{Users: toUser})
	if err != nil {
		return err
	}
	a.group.Add("chat", chats.Run, chats.Close)
	chatServer := chatservice.NewServer(chats, access.ServerOptions("chat", a.tel)...)

	var errs [5]error
	a.clients.User, errs[0] = local("api", "user", userServer, userservice.NewClient)
	a.clients.Video, errs[1] = local("api", "video", videoServer, videoservice.NewClient)
	a.clients.Interaction, errs[2] = local("api", "interaction", interactionServer, interactionservice.NewClient)
	a.clients.Social, errs[3] = local("api", "social", socialServer, socialservice.NewClient)
	a.clients.Chat, errs[4] = local("api", "chat", chatServer, chatservice.NewClient)
	return errors.Join(errs[:]...)
}

// local makes a client with which caller calls the service's server in this process.
func local[C any](caller, service string, srv server.Server, newClient func(string, ...client.Option) (C, error)) (C, error) {
	var none C
	opt, err := transport.Local(caller, srv)
	if err != nil {
		return none, err
	}
	return newClient(service, opt)
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
		if err := a.demo.seed(ctx); err != nil {
			return fmt.Errorf("demo content: %w", err)
		}
	}
	a.onReady()
	return a.gateway.Run(ctx)
}
