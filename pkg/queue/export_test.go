package queue

import "context"

// OpenSmallRabbit opens a RabbitMQ queue that is full after maxLength messages.
func OpenSmallRabbit[T any](ctx context.Context, cfg Config, name string, maxLength int32) (Queue[T], error) {
	cfg.Driver = DriverRabbitMQ
	return Open[T](ctx, cfg, name, nil, func(o *options) { o.maxLength = maxLength })
}

// InProgress is how many calls of Publish hold capacity.
func InProgress[T any](q Queue[T]) int { return len(q.(*handle[T]).capacity) }
