package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/lifecycle"
)

// MaxPartitions bounds Config.Partitions.
const MaxPartitions = 64

// formerEvery is how often a process looks for partitions that it does not have: of processes with more of them, now or before.
const formerEvery = 10 * time.Second

// partitionName is the name of a queue's i-th partition. The first one is the queue that there is without partitions.
func partitionName(name string, i int) string {
	if i == 0 {
		return name
	}
	return name + ".p" + strconv.Itoa(i)
}

// partitionOf is the partition of an owner, the same in every process with as many.
func partitionOf(owner int64, partitions int) int {
	const golden = 0x9E3779B97F4A7C15 // ids differ in few bits: Fibonacci hashing
	return int(uint64(owner) * golden >> 32 % uint64(partitions))
}

// partitioned is a queue in several queues of RabbitMQ, each with a writer of its own. They share the fallback: it is one writer.
type partitioned[T any] struct {
	name  string
	cfg   Config
	log   *slog.Logger
	owner func(T) int64
	parts []*handle[T]
	first *rabbit[T]
}

// OpenPartitioned is Open for a queue in cfg.Partitions partitions: a message goes to that of its owner. With the memory driver it has
// one. In every process one apply runs at a time for each partition, and one more with WithFallback. All processes consume all
// partitions, also those that only others have: they may differ in how many they have, and no message is left behind.
func OpenPartitioned[T any](
	ctx context.Context, cfg Config, name string, owner func(T) int64, log *slog.Logger, opts ...Option,
) (Queue[T], error) {
	cfg = cfg.withDefaults()
	if cfg.Driver != DriverRabbitMQ {
		return Open[T](ctx, cfg, name, log, opts...)
	}
	if cfg.Partitions > MaxPartitions {
		return nil, fmt.Errorf("queue: %d partitions, want 1 to %d", cfg.Partitions, MaxPartitions)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	q := &partitioned[T]{name: name, cfg: cfg, log: log.With("queue", name), owner: owner}
	one := cfg
	one.Capacity = max(cfg.MaxBatch, cfg.Capacity/cfg.Partitions)
	for i := range cfg.Partitions {
		part, err := open[T](one, partitionName(name, i), log, opts...)
		if err != nil {
			return nil, errors.Join(err, q.Close())
		}
		if q.parts = append(q.parts, part); i == 0 {
			opts = append(slices.Clone(opts), func(o *options) { o.fallback = false })
		} else {
			part.fallback, part.lent = q.parts[0].fallback, true
		}
	}
	q.first = q.parts[0].driver.(*rabbit[T])
	return q, nil
}

// Publish implements Queue.
func (q *partitioned[T]) Publish(ctx context.Context, msg T) (applied bool, err error) {
	return q.parts[partitionOf(q.owner(msg), len(q.parts))].Publish(ctx, msg)
}

// Consume implements Queue.
func (q *partitioned[T]) Consume(ctx context.Context, apply func(context.Context, []T) error) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(q.parts))
	for i, part := range q.parts {
		wg.Go(func() { // one ends when all do, or when there is another consumer
			errs[i] = part.Consume(running, apply)
			cancel()
		})
	}
	wg.Go(func() { q.consumeFormer(running, guard(apply)) })
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(errs...)
}

// Ping implements Queue.
func (q *partitioned[T]) Ping(ctx context.Context) error {
	for _, part := range q.parts {
		if err := part.Ping(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Queue.
func (q *partitioned[T]) Close() error {
	var wg sync.WaitGroup
	for _, part := range q.parts {
		wg.Go(func() { _ = part.Close() }) // it has no error
	}
	wg.Wait()
	return nil
}

// consumeFormer consumes the partitions that this process does not have and the broker does, until ctx ends. It declares none, so that
// they can be deleted.
func (q *partitioned[T]) consumeFormer(ctx context.Context, apply func(context.Context, []T) error) {
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	consuming := map[string]bool{}
	nodes := newTurn(q.cfg)
	for {
		for _, name := range q.former(ctx, nodes.node()) {
			mu.Lock()
			known := consuming[name]
			consuming[name] = true
			mu.Unlock()
			if known {
				continue
			}
			wg.Go(func() {
				q.consumeOne(ctx, name, apply)
				mu.Lock()
				defer mu.Unlock()
				delete(consuming, name)
			})
		}
		if !lifecycle.Pause(ctx, formerEvery) {
			return
		}
	}
}

// former are the partitions after this process's own that the broker has. They are found one after the other, up to the first that is
// missing.
func (q *partitioned[T]) former(ctx context.Context, node string) (found []string) {
	for i := len(q.parts); i < MaxPartitions; i++ {
		name := q.cfg.Prefix + "." + partitionName(q.name, i)
		conn, err := dial(ctx, q.cfg, node, name+" look", func(ch *amqp.Channel) error { return exists(ch, name) })
		if err != nil { // there is none, or it is not known and looked at again
			break
		}
		conn.close()
		found = append(found, name)
	}
	return found
}

// exists fails when there is no such queue.
func exists(ch *amqp.Channel, name string) error {
	_, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
	return err
}

// isMissing tells that the broker has no such queue.
func isMissing(err error) bool {
	var refused *amqp.Error
	return errors.As(err, &refused) && refused.Code == amqp.NotFound
}

// consumeOne consumes a partition until ctx ends or it is deleted.
func (q *partitioned[T]) consumeOne(ctx context.Context, name string, apply func(context.Context, []T) error) {
	log := q.log.With("partition", name)
	log.Info("consuming a partition that this process does not have")
	c := &consumer[T]{
		cfg: q.cfg, name: name, log: log, metrics: q.first.metrics, pub: q.first.pub, apply: apply,
		declare: func(ch *amqp.Channel) error { return exists(ch, name) },
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	keep(running, q.cfg, log.With("what", "consume"), func(ctx context.Context, node string) error {
		err := c.session(ctx, node)
		if isMissing(err) {
			log.Info("the partition was deleted")
			stop()
		}
		return err
	})
}
