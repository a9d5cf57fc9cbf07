package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbit is a durable queue in RabbitMQ. See publisher and consumer for the two halves.
type rabbit[T any] struct {
	cfg     Config
	name    string
	log     *slog.Logger
	metrics metrics
	pub     *publisher
}

func newRabbit[T any](closing context.Context, cfg Config, o options, name string, log *slog.Logger, m metrics) (*rabbit[T], error) {
	if err := cfg.CheckNodes(); err != nil {
		return nil, err
	}
	if cfg.Type != TypeQuorum && cfg.Type != TypeClassic {
		return nil, fmt.Errorf("queue: unknown type %q, want %q or %q", cfg.Type, TypeQuorum, TypeClassic)
	}
	name = cfg.Prefix + "." + name
	return &rabbit[T]{cfg: cfg, name: name, log: log, metrics: m, pub: newPublisher(closing, cfg, o, name, log, m)}, nil
}

func (q *rabbit[T]) publish(ctx context.Context, msg T) (bool, error) {
	body, err := json.Marshal(msg)
	if err != nil {
		return false, fmt.Errorf("queue: encode %T: %w", msg, err)
	}
	applied, err := q.pub.publish(ctx, body)
	if errors.Is(err, ErrUnavailable) {
		q.pub.gate.refuse()
	}
	return applied, err
}

func (q *rabbit[T]) consume(ctx context.Context, apply func(context.Context, []T) error) {
	c := &consumer[T]{cfg: q.cfg, name: q.name, log: q.log, metrics: q.metrics, pub: q.pub, apply: apply}
	c.declare = func(ch *amqp.Channel) error {
		_, _, err := declare(ch, q.name, q.cfg.Type, bounded(q.pub.maxLength))
		return err
	}
	keep(ctx, q.cfg, q.log.With("what", "consume"), c.session)
}

func (q *rabbit[T]) ping() error {
	_, err := q.pub.gate.state()
	return err
}

func (q *rabbit[T]) close() { q.pub.close() }
