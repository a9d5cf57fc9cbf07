package kv

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"tiktok/pkg/coalesce"
)

const (
	// readsInFlight is how many reads are sent at a time: the server works on one while the other is on its way.
	readsInFlight = 2
	// maxReadKeys bounds the keys of reads that share a call, so that neither the server nor the next call waits long.
	maxReadKeys = 4096
	// setIfValue is the compare-and-set of Item.IfValue. One key, so it runs on a Cluster.
	setIfValue = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end return false`
)

type redisStore struct {
	redis   *Redis
	cluster bool
	local   *inProcess
	reads   *coalesce.Coalescer[[]string, answer]
	// recent are tombstones that a failover may lose. Nil: one server, there is none.
	recent *recent
}

// answer is the values of one read, and a *PartialError if some keys could not be read.
type answer struct {
	values [][]byte
	err    error
}

func newRedisStore(cfg Config) *redisStore {
	s := &redisStore{redis: NewRedis(cfg), local: newInProcess(overRedisBytes)}
	s.cluster = s.redis.cluster != nil
	if s.cluster || cfg.MasterName != "" {
		s.recent = &recent{write: s.write}
		s.redis.doubted = func() { s.recent.doubt(s.redis) }
	}
	size := func(keys []string) int { return len(keys) }
	within := s.redis.timeout
	if s.cluster {
		within *= 2 // reads that wait for those in flight, until a node is found to hang, can still be answered by the others
	}
	s.reads = coalesce.New(readsInFlight, maxReadKeys, size, s.readAll, coalesce.Eager(), coalesce.Timeout(within))
	return s
}

func (r *redisStore) inProcess() (p *inProcess, alone bool) { return r.local, false }

// wrap says what failed.
func wrap(op string, keys int, err error) error {
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("kv: %s %d keys: %w", op, keys, err)
}

func (r *redisStore) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	if len(keys) == 0 {
		return [][]byte{}, nil
	}
	got, err := r.reads.Do(ctx, keys)
	if err != nil {
		return nil, wrap("get", len(keys), err)
	}
	return got.values, wrap("get", len(keys), got.err)
}

// readAll answers several reads with one that has each key once.
func (r *redisStore) readAll(ctx context.Context, requests [][]string) ([]answer, error) {
	if len(requests) == 1 {
		values, err := r.read(ctx, requests[0])
		if !isPartial(err) && err != nil {
			return nil, err
		}
		return []answer{{values, err}}, nil
	}
	asked := 0
	for _, request := range requests {
		asked += len(request)
	}
	at, keys := make(map[string]int, asked), make([]string, 0, asked)
	for _, request := range requests {
		for _, k := range request {
			if _, ok := at[k]; !ok {
				at[k] = len(keys)
				keys = append(keys, k)
			}
		}
	}
	values, err := r.read(ctx, keys)
	if !isPartial(err) && err != nil {
		return nil, err
	}
	answers := make([]answer, len(requests))
	for i, request := range requests {
		answers[i].values, answers[i].err = make([][]byte, len(request)), among(err, request)
		for j, k := range request {
			answers[i].values[j] = values[at[k]]
		}
	}
	return answers, nil
}

// read is one round trip, on a Cluster one to each node.
func (r *redisStore) read(ctx context.Context, keys []string) ([][]byte, error) {
	if r.recent != nil {
		return r.recent.read(keys, func() ([][]byte, error) { return r.get(ctx, keys) })
	}
	return r.get(ctx, keys)
}

func (r *redisStore) get(ctx context.Context, keys []string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	err := r.redis.do(ctx, &call{read: true}, func(ctx context.Context) error {
		if r.cluster {
			return r.pipelinedGet(ctx, keys, out)
		}
		values, err := r.redis.Client.MGet(ctx, keys...).Result()
		for i, v := range values {
			if s, ok := v.(string); ok {
				out[i] = []byte(s)
			}
		}
		return err
	})
	return out, err
}

// pipelinedGet reads keys of several Cluster slots: the client sends one pipeline to each node, all at once.
func (r *redisStore) pipelinedGet(ctx context.Context, keys []string, out [][]byte) error {
	pipe := r.redis.Client.Pipeline()
	cmds := make([]*redis.StringCmd, len(keys))
	for i, k := range keys {
		cmds[i] = pipe.Get(ctx, k)
	}
	_, _ = pipe.Exec(ctx) // its error is one of those of the commands
	var failed failures
	for i, c := range cmds {
		b, err := c.Bytes()
		switch {
		case err == nil:
			out[i] = b
		case !errors.Is(err, redis.Nil):
			failed.add(keys[i], err)
		}
	}
	return failed.of(len(keys))
}

func (r *redisStore) Set(ctx context.Context, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if err := check(items); err != nil {
		return err
	}
	if r.recent != nil {
		r.recent.add(items)
	}
	return wrap("set", len(items), r.write(ctx, items))
}

func (r *redisStore) write(ctx context.Context, items []Item) error {
	pipe := r.redis.Client.Pipeline()
	for _, it := range items {
		switch {
		case it.IfValue != nil:
			pipe.Eval(ctx, setIfValue, []string{it.Key}, it.IfValue, it.Value, it.TTL.Milliseconds())
		case it.IfAbsent:
			pipe.SetArgs(ctx, it.Key, it.Value, redis.SetArgs{Mode: "NX", TTL: it.TTL})
		default:
			pipe.Set(ctx, it.Key, it.Value, it.TTL)
		}
	}
	return r.exec(ctx, pipe, func(i int) string { return items[i].Key })
}

func (r *redisStore) Delete(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	pipe := r.redis.Client.Pipeline()
	for _, k := range keys {
		pipe.Del(ctx, k)
	}
	return wrap("delete", len(keys), r.exec(ctx, pipe, func(i int) string { return keys[i] }))
}

// exec runs a pipeline and returns what failed, of which the i-th command is that of the i-th key: a condition that does not hold
// answers Nil, which is no failure.
func (r *redisStore) exec(ctx context.Context, pipe redis.Pipeliner, key func(i int) string) error {
	return r.redis.Do(ctx, func(ctx context.Context) error {
		cmds, _ := pipe.Exec(ctx) // its error is one of those of the commands
		var failed failures
		for i, c := range cmds {
			if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
				failed.add(key(i), err)
			}
		}
		return failed.of(len(cmds))
	})
}

// Ping asks one server; on a Cluster any that answers will do, since the others' keys are served without the cache.
func (r *redisStore) Ping(ctx context.Context) error {
	err := r.redis.Do(ctx, func(ctx context.Context) error { return r.redis.Client.Ping(ctx).Err() })
	if err == nil || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("kv: ping redis: %w", err)
}

func (r *redisStore) Close() error { return r.redis.Close() }
