package services

import (
	"context"
	"errors"
	"time"

	"tiktok/cmd/internal/boot"
	"tiktok/pkg/id"
	"tiktok/pkg/outbox"
	"tiktok/pkg/push"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// giveBack bounds the last call of etcd.
const giveBack = 5 * time.Second

// Run is the service's own process, of the distributed deployment: it opens the service, serves, and returns when ctx ends
// or a part fails, with everything released.
func Run(ctx context.Context, p *boot.Process, s Spec) error {
	opened := p.WatchStart(ctx)
	err := add(ctx, p, s)
	opened()
	if err != nil {
		return errors.Join(err, p.Group.Close())
	}
	return p.Run(ctx)
}

// add adds everything that runs to the process's group.
func add(ctx context.Context, p *boot.Process, s Spec) error {
	d := Deps{Config: p.Config, Telemetry: p.Telemetry}
	var err error
	if p.Calls() {
		remote, err := transport.NewRemote(s.Name, p.Config.RPC, MethodsOf, p.Telemetry)
		if err != nil {
			return err
		}
		d.Dial = remote.Dial
	}
	if s.Hints {
		if d.Push, err = push.Open(ctx, p.Config.Cache, p.Telemetry); err != nil {
			return err
		}
		p.Group.Add("push", nil, d.Push.Close)
	}
	var more []telemetry.Check
	if s.Uses.Queue {
		if d.Bus, err = outbox.OpenBus(ctx, p.Config.Queue, Consumers(), p.Telemetry); err != nil {
			return err
		}
		p.Group.Add("bus", nil, d.Bus.Close)
		more = append(more, events(d.Bus))
	}
	if s.RPCAddr != "" {
		lease, err := leaseIDs(ctx, p)
		if err != nil {
			return err
		}
		d.IDs = lease.Generator()
		more = append(more, lease.Check())
	}
	part, err := s.Open(ctx, d)
	if err != nil {
		return err
	}
	p.Group.Add(s.Name, part.Run, part.Close)
	for _, c := range part.Checks {
		if c.Info != nil {
			p.Telemetry.Log.Info("found", "name", c.Name, "info", c.Info())
		}
	}
	kind, addr := "http", ""
	switch {
	case part.Addr != nil:
		addr = part.Addr()
	case part.NewServer == nil:
		kind, addr = "work", "the jobs of video"
	default:
		kind = "rpc"
		if addr, err = serve(ctx, p, s, part); err != nil {
			return err
		}
	}
	return p.Admin(ctx, append(part.Checks, more...), kind, addr)
}

// events tells whether the bus takes messages. While it does not they wait in the outbox, so the process serves all the same.
func events(bus outbox.Bus) telemetry.Check {
	return telemetry.Check{Name: "events", Info: func() string {
		if bus.Ping(context.Background()) != nil { // it asks nobody
			return "away"
		}
		return "ok"
	}}
}

// leaseIDs leases this replica's node number in etcd and adds the lease to the group. While etcd is away the process makes ids as far
// as the lease covers, then refuses new ones and does all else.
func leaseIDs(ctx context.Context, p *boot.Process) (*id.Lease, error) {
	cli, err := transport.DialEtcd(ctx, p.Config.RPC)
	if err != nil {
		return nil, err
	}
	p.Group.Add("etcd", nil, cli.Close)
	lease, err := id.AcquireNode(ctx, cli, id.Config{
		Prefix: p.Config.RPC.RegistryPrefix, Service: p.Name, Life: p.Config.RPC.NodeLease, Log: p.Telemetry.Log,
	})
	if err != nil {
		return nil, err
	}
	lease.Register(p.Telemetry.Registry)
	p.Group.Add("node id", lease.Run, func() error {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
		defer cancel()
		return lease.Close(cctx)
	})
	return lease, nil
}

// serve adds the RPC server to the group and returns the address that it listens on.
func serve(ctx context.Context, p *boot.Process, s Spec, part Part) (addr string, err error) {
	// The server stops when its part is stopped, after everything added later, not already when ctx ends.
	sctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	listen, bound, err := transport.ListenOptions(sctx, p.Config.RPC, p.Telemetry)
	if err != nil {
		cancel()
		return "", err
	}
	srv := part.NewServer(append(s.ServerOptions(p.Telemetry), listen...)...)
	p.Group.Add("rpc", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, cancel)()
		err := srv.Run()
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			p.Telemetry.Log.Warn("calls were still under way at the end")
			return nil
		}
		return err
	}, func() error { cancel(); return nil })
	return bound.String(), nil
}
