// Command user runs the user service on its own: it listens for RPC and registers in etcd.
package main

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/telemetry"
)

func main() { boot.Main("user", run) }

func run(ctx context.Context, p *boot.Process) error {
	ids, err := p.IDs(ctx)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	svc, err := service.Open(ctx, p.Config, p.Telemetry, ids)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("user", svc.Run, svc.Close)
	return p.Serve(ctx, func(opts ...server.Option) server.Server { return userservice.NewServer(svc, opts...) },
		telemetry.Check{Name: "user", Ready: svc.Ready})
}
