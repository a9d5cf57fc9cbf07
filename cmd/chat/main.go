// Command chat runs the chat service on its own: it listens for RPC and registers in etcd.
package main

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/chat/service"
	"tiktok/cmd/internal/boot"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

func main() { boot.Main("chat", run) }

func run(ctx context.Context, p *boot.Process) error {
	svc, err := open(ctx, p)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("chat", svc.Run, svc.Close)
	return p.Serve(ctx, func(opts ...server.Option) server.Server { return chatservice.NewServer(svc, opts...) },
		telemetry.Check{Name: "chat", Ready: svc.Ready})
}

func open(ctx context.Context, p *boot.Process) (*service.Service, error) {
	ids, err := p.IDs(ctx)
	if err != nil {
		return nil, err
	}
	remote, err := transport.RemoteOptions("chat", p.Config.RPC, p.Telemetry)
	if err != nil {
		return nil, err
	}
	users, err := userservice.NewClient("user", remote...)
	if err != nil {
		return nil, err
	}
	return service.Open(ctx, p.Config, p.Telemetry, ids, rpc.Peers{Users: users})
}
