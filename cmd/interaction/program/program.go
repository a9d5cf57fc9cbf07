// Package program is the command interaction, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/interaction/rpc"
	"tiktok/cmd/interaction/service"
	"tiktok/cmd/internal/boot"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/queue"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// Main is the program: it runs to its end and exits.
func Main() { boot.Main("interaction", run) }

func run(ctx context.Context, p *boot.Process) error {
	deleted, err := service.OpenDeleted(ctx, p.Config, p.Telemetry)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("deleted videos", nil, deleted.Close)
	svc, err := open(ctx, p, deleted)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("interaction", svc.Run, svc.Close)
	return p.Serve(ctx, func(opts ...server.Option) server.Server { return interactionservice.NewServer(svc, opts...) },
		telemetry.Check{Name: "interaction", Ready: svc.Ready})
}

func open(ctx context.Context, p *boot.Process, deleted queue.Queue[video.VideoDeleted]) (*service.Service, error) {
	ids, err := p.IDs(ctx)
	if err != nil {
		return nil, err
	}
	remote, err := transport.RemoteOptions("interaction", p.Config.RPC, p.Telemetry)
	if err != nil {
		return nil, err
	}
	videos, err := videoservice.NewClient("video", remote...)
	if err != nil {
		return nil, err
	}
	return service.Open(ctx, p.Config, p.Telemetry, ids, rpc.Peers{Videos: videos}, deleted)
}
