package boot

import (
	"context"
	"net"
	"net/url"
	"strings"
	"time"

	"tiktok/config"
	"tiktok/pkg/kv"
	"tiktok/pkg/limiter"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
)

const (
	// patience is how long a start takes before it is said what it may wait for, again is how often from then on.
	patience, again = 2 * time.Second, 10 * time.Second
	// reachTimeout bounds one connection that is tried.
	reachTimeout = time.Second
)

// server is one that a process uses.
type server struct{ name, addr string }

// servers are those of the settings, without anything of their logins.
func servers(process config.Process, cfg config.Config) []server {
	uses := process.Uses
	var all []server
	add := func(name string, addrs ...string) {
		for _, addr := range addrs {
			if _, rest, ok := strings.Cut(addr, "://"); ok {
				addr = rest
			}
			all = append(all, server{name, addr})
		}
	}
	add("etcd", cfg.RPC.Registry...)
	if uses.DB && cfg.DB.Driver == sqldb.MySQL {
		add("MySQL", process.Servers(cfg.DB)...)
	}
	if cfg.Cache.Driver == kv.DriverRedis || cfg.Limits.Driver == limiter.DriverRedis {
		add("Redis", cfg.Cache.Addrs...)
	}
	if uses.Queue && cfg.Queue.Driver == queue.DriverRabbitMQ {
		for _, node := range cfg.Queue.Nodes() {
			u, err := url.Parse(node)
			if err != nil {
				continue
			}
			port := u.Port()
			if port == "" {
				port = map[string]string{"amqp": "5672", "amqps": "5671"}[u.Scheme]
			}
			add("RabbitMQ", net.JoinHostPort(u.Hostname(), port))
		}
	}
	return all
}

// WatchStart warns, from two seconds after a start on, of each server that does not take connections, until opened is called:
// once at least. Else a process that waits looks like one that hangs.
func (p *Process) WatchStart(ctx context.Context) (opened func()) {
	return p.watchStart(ctx, patience, again)
}

func (p *Process) watchStart(ctx context.Context, first, then time.Duration) (opened func()) {
	done := make(chan struct{})
	go func() {
		timer := time.NewTimer(first)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			for _, s := range servers(p.Process, p.Config) {
				if err := reach(ctx, s.addr); err != nil && ctx.Err() == nil {
					p.Telemetry.Log.Warn("waiting for a server", "server", s.name, "addr", s.addr, "err", err)
				}
			}
			select {
			case <-done:
				return
			default:
				timer.Reset(then)
			}
		}
	}()
	return func() { close(done) }
}

// reach tells whether somebody takes connections at an address.
func reach(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}
