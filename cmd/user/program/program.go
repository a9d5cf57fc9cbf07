// Package program is the command user, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/telemetry"
)

// Main is the program: it runs to its end and exits.
func Main() { boot.Main("user", run) }

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
