package queue

import (
	"context"
	"log/slog"
)

// OpenSmallRabbit opens a RabbitMQ queue that is full after maxLength parcels.
func OpenSmallRabbit[T any](ctx context.Context, cfg Config, name string, maxLength int32) (Queue[T], error) {
	return newRabbit[T](ctx, cfg.withDefaults(), name, slog.New(slog.DiscardHandler), newMetrics(nil, name), maxLength)
}
