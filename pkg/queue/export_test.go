package queue

import (
	"context"
	"log/slog"
)

// OpenSmallRabbit opens a RabbitMQ queue that is full after maxLength parcels.
func OpenSmallRabbit[T any](ctx context.Context, cfg Config, name string, maxLength int32) (Queue[T], error) {
	return newRabbit[T](ctx, cfg.withDefaults(), name, slog.New(slog.DiscardHandler), newMetrics(nil, name), maxLength, 1)
}

// Letters is how many messages q holds: those that wait and, with RabbitMQ, those that were sent and are not settled.
func Letters[T any](q Queue[T]) int {
	if m, ok := q.(*memory[T]); ok {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.waiting)
	}
	p := q.(*rabbit[T]).pub
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.waiting)
	if p.session == nil {
		return n
	}
	for _, pc := range p.session.unconfirmed {
		n += len(pc.letters)
	}
	for id, pc := range p.session.unanswered {
		if p.session.unconfirmed[id] == nil {
			n += len(pc.letters)
		}
	}
	return n
}
