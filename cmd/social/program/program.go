// Package program is the command social, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/social/rpc"
	"tiktok/cmd/social/service"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// Main is the program: it runs to its end and exits.
func Main() { boot.Main("social", run) }

func run(ctx context.Context, p *boot.Process) error {
	svc, err := open(ctx, p)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("social", svc.Run, svc.Close)
	return p.Serve(ctx, func(opts ...server.Option) server.Server { return socialservice.NewServer(svc, opts...) },
		telemetry.Check{Name: "social", Ready: svc.Ready})
}

func open(ctx context.Context, p *boot.Process) (*service.Service, error) {
	ids, err := p.IDs(ctx)
	if err != nil {
		return nil, err
	}
	remote, err := transport.RemoteOptions("social", p.Config.RPC, p.Telemetry)
	if err != nil {
		return nil, err
	}
	users, err := userservice.NewClient("user", remote...)
	if err != nil {
		return nil, err
	}
	return service.Open(ctx, p.Config, p.Telemetry, ids, rpc.Peers{Users: users})
}
