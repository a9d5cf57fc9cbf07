package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/cmd/interaction/rpc"
	"tiktok/config"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// Name is what the service's schema and queue are called.
const Name = "interaction"

// Open opens what cfg describes, brings the schema up to date and puts the service together. Close releases it; bus stays the
// caller's. No write is answered before Run consumes the queue.
func Open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
) (*Service, error) {
	var closers lifecycle.Closers
	s, err := open(ctx, cfg, tel, ids, peers, bus, &closers)
	if err != nil {
		return nil, errors.Join(err, closers.Close())
	}
	s.closers = closers
	return s, nil
}

func open(
	ctx context.Context, cfg config.Config, tel *telemetry.Telemetry, ids *id.Generator, peers rpc.Peers, bus outbox.Bus,
	closers *lifecycle.Closers,
) (*Service, error) {
	filter, err := words.Open(cfg.Words)
	if err != nil {
		return nil, fmt.Errorf("interaction: %w", err)
	}
	sql, err := sqldb.OpenMigrated(ctx, cfg.DB, Name, db.Migrations(), tel.Log, tel.Registry)
	if err != nil {
		return nil, fmt.Errorf("interaction: %w", err)
	}
	closers.Add(sql.Close)
	rows := db.New(sql)
	if err := ids.StartAbove(ctx, rows.NewestID, tel.Log); err != nil {
		return nil, fmt.Errorf("interaction: %w", err)
	}
	cache, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return nil, fmt.Errorf("interaction: %w", err)
	}
	closers.Add(cache.Close)
	events, err := queue.OpenPartitioned(ctx, cfg.Queue, Name, mq.Event.Owner, tel.Log,
		queue.WithMetrics(tel.Registry), queue.WithTraces(tel.Traces.For(Name)), queue.WithFallback())
	if err != nil {
		return nil, fmt.Errorf("interaction: %w", err)
	}
	closers.Add(events.Close)
	var accepted *pending.Writes
	var former queue.Queue[video.VideoDeleted]
	if cfg.Queue.Driver == queue.DriverRabbitMQ {
		former, err = queue.Open[video.VideoDeleted](ctx, cfg.Queue, video.QUEUE_VIDEO_DELETED, tel.Log,
			queue.WithMetrics(tel.Registry), queue.WithTraces(tel.Traces.For(Name)))
		if err != nil {
			return nil, fmt.Errorf("interaction: %w", err)
		}
		closers.Add(former.Close)
		if accepted = pending.New(cache, tel.Log); accepted == nil {
			tel.Log.WarnContext(ctx, "accepted writes do not show before they are stored: queue.driver rabbitmq wants cache.driver redis")
		}
	}
	return New(Deps{
		Store:   rows,
		Cache:   cache,
		Pending: accepted,
		Queue:   events,
		Bus:     bus,
		Former:  former,
		Relay:   outbox.NewRelay(sql, bus, Name, tel),
		Words:   filter,
		IDs:     ids,
		Peers:   peers,
		Log:     tel.Log,
		Metrics: tel.Registry,
	}), nil
}

// Close releases what Open opened, in reverse. Call it after Run has returned.
func (s *Service) Close() error { return s.closers.Close() }
