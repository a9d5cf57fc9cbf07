package kv

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/tracing"
)

// spans makes a span of every round trip to Redis of a recorded request. Keys and values stay out of it.
type spans struct{}

var _ redis.Hook = spans{}

// DialHook implements redis.Hook.
func (spans) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (spans) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !tracing.On(ctx) {
			return next(ctx, cmd)
		}
		ctx, span := tracing.Start(ctx, tracing.Client, "redis "+cmd.Name())
		defer span.End()
		span.Text("db.system.name", "redis")
		span.Int("tiktok.arguments", len(cmd.Args())-1)
		err := next(ctx, cmd)
		outcome(span, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (spans) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !tracing.On(ctx) || len(cmds) == 0 {
			return next(ctx, cmds)
		}
		ctx, span := tracing.Start(ctx, tracing.Client, "redis pipeline "+cmds[0].Name())
		defer span.End()
		span.Text("db.system.name", "redis")
		span.Int("db.operation.batch.size", len(cmds))
		err := next(ctx, cmds)
		outcome(span, err)
		return err
	}
}

func outcome(span tracing.Span, err error) {
	switch {
	case err == nil, errors.Is(err, redis.Nil):
	case isReply(err):
		span.Fail("refused")
	default:
		span.Fail("unavailable")
	}
}
