// Package program is the command video, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/internal/boot"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/telemetry"
)

// Main is the program: it runs to its end and exits.
func Main() { boot.Main("video", run) }

func run(ctx context.Context, p *boot.Process) error {
	ids, err := p.IDs(ctx)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	deleted, err := service.OpenDeleted(ctx, p.Config, p.Telemetry)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("deleted videos", nil, deleted.Close)
	svc, err := service.Open(ctx, p.Config, p.Telemetry, ids, deleted)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("video", svc.Run, svc.Close)
	return p.Serve(ctx, func(opts ...server.Option) server.Server { return videoservice.NewServer(svc, opts...) },
		telemetry.Check{Name: "video", Ready: svc.Ready}, telemetry.Check{Name: "media_tools", Info: svc.DescribeTools})
}
