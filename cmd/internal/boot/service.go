package boot

import (
	"context"
	"errors"
	"time"

	"github.com/cloudwego/kitex/server"

	"tiktok/cmd/internal/access"
	"tiktok/pkg/id"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// giveBack bounds the last call of etcd.
const giveBack = 5 * time.Second

// IDs leases this replica's node number in etcd and adds the lease to the group: the process stops when it loses the
// number, because another replica could then make the same ids.
func (p *Process) IDs(ctx context.Context) (*id.Generator, error) {
	cli, err := transport.DialEtcd(ctx, p.Config.RPC)
	if err != nil {
		return nil, err
	}
	p.Group.Add("etcd", nil, cli.Close)
	lease, err := id.AcquireNode(ctx, cli, p.Name)
	if err != nil {
		return nil, err
	}
	p.Group.Add("node id", lease.Run, func() error {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
		defer cancel()
		return lease.Close(cctx)
	})
	return lease.Generator(), nil
}

// Serve listens with the RPC server that newServer makes and with the admin server, and runs the group to its end.
func (p *Process) Serve(ctx context.Context, newServer func(...server.Option) server.Server, checks ...telemetry.Check) error {
	// The server stops when its part is stopped, after everything added later, not already when ctx ends.
	sctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	listen, addr, err := transport.ListenOptions(sctx, p.Config.RPC, p.Telemetry)
	if err != nil {
		return err
	}
	srv := newServer(append(access.ServerOptions(p.Name, p.Telemetry), listen...)...)
	p.Group.Add("rpc", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, cancel)()
		err := srv.Run()
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			p.Telemetry.Log.Warn("calls were still under way at the end")
			return nil
		}
		return err
	}, nil)
	if err := p.Admin(ctx, checks...); err != nil {
		return err
	}
	p.Telemetry.Log.Info("serving", "rpc", addr.String(), "admin", p.Config.Telemetry.AdminAddr)
	return p.Run(ctx)
}

// Admin adds the admin server to the group.
func (p *Process) Admin(ctx context.Context, checks ...telemetry.Check) error {
	admin, err := telemetry.ListenAdmin(ctx, p.Config.Telemetry.AdminAddr, p.Telemetry, checks)
	if err != nil {
		return err
	}
	p.Group.Add("admin", admin.Run, nil)
	return nil
}
