// Package program is the command api, so that the image can hold all commands in one file.
package program

import (
	"context"
	"errors"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/gateway"
	"tiktok/cmd/internal/boot"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// Main is the program: it runs to its end and exits.
func Main() {
	boot.Main("api", run, boot.Flag{Name: "addr", Key: "gateway.addr", Usage: "public `address` (default :10001)"})
}

func run(ctx context.Context, p *boot.Process) error {
	gw, err := open(ctx, p)
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Group.Add("gateway", gw.Run, gw.Close)
	if err := p.Admin(ctx, telemetry.Check{Name: "api", Ready: gw.Ready}); err != nil {
		return errors.Join(err, p.Group.Close())
	}
	p.Telemetry.Log.Info("serving", "http", gw.Addr(), "admin", p.Config.Telemetry.AdminAddr)
	return p.Run(ctx)
}

func open(ctx context.Context, p *boot.Process) (*gateway.Gateway, error) {
	remote, err := transport.RemoteOptions("api", p.Config.RPC, p.Telemetry)
	if err != nil {
		return nil, err
	}
	clients, err := rpc.NewClients(remote...)
	if err != nil {
		return nil, err
	}
	return gateway.Open(ctx, p.Config, p.Telemetry, clients, handler.Demo{})
}
