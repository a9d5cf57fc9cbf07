package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/cmd/discovery/rpc"
	"tiktok/cmd/discovery/watch"
	"tiktok/cmd/internal/pending"
	"tiktok/config"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// Name is what the service's schema, and its queue of messages, are called.
const Name = "discovery"

// maxWatchEvents bounds a batch of watches: an event has up to mq.MaxWatches rows.
const maxWatchEvents = 256

// Open opens the database "discovery", brings its schema up to date, opens the cache and the index, and returns the service, which owns
// them. bus stays the caller's.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
) (*Service, error) {
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, Name, db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	closers := lifecycle.Closers{sql.Close}
	store, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), closers.Close())
	}
	closers.Add(store.Close)
	rows := db.New(sql)
	newest := func(ctx context.Context) (int64, error) {
		ms, err := rows.NewestWatchMs(ctx)
		return id.At(time.UnixMilli(ms + 1)), err // below 0 for none
	}
	if err := ids.StartAbove(ctx, newest, tel.Log); err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), closers.Close())
	}
	watches, accepted, err := openWatches(ctx, cfg, tel, store)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), closers.Close())
	}
	closers.Add(watches.Close)
	engine, shared, err := OpenEngine(cfg.Discovery, false, tel.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("discovery: %w", err), closers.Close())
	}
	closers.Add(engine.Close)
	var lead func(ctx context.Context) (bool, error)
	if shared {
		l := &indexLead{store: rows, holder: replica()}
		lead = l.ask
		closers.Add(l.drop)
	}
	s := New(Deps{
		Store: rows, Cache: store, IDs: ids, Peers: peers, Bus: bus, Queue: watches, Pending: accepted, Config: cfg.Discovery, Tel: tel,
		Engine: engine, IndexLead: lead,
	})
	s.closers = closers
	return s, nil
}

// openWatches opens the queue of what users have watched, and the lists of what it has accepted.
func openWatches(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, store kv.Store,
) (queue.Queue[mq.Event], *pending.Writes[mq.Event], error) {
	c := cfg.Queue
	if c.MaxBatch <= 0 || c.MaxBatch > maxWatchEvents {
		c.MaxBatch = maxWatchEvents
	}
	q, err := queue.OpenPartitioned(ctx, c, mq.Watches, mq.Event.Owner, tel.Log,
		queue.WithMetrics(tel.Registry), queue.WithTraces(tel.Traces.For(Name)),
		queue.WithFallback())
	if err != nil || cfg.Queue.Driver != queue.DriverRabbitMQ {
		return q, nil, err
	}
	accepted := watch.Pending(store, tel.Log)
	if accepted == nil {
		tel.Log.WarnContext(ctx, "accepted watches do not show before they are stored: queue.driver rabbitmq wants cache.driver redis")
	}
	return q, accepted, nil
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
