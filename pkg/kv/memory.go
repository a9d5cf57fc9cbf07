package kv

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	defaultMaxBytes = 64 << 20
	// entryOverhead is what one entry costs beside its key and value, measured: hash table slot, node, policy, headers.
	entryOverhead = 160
)

type memory struct {
	cache  *otter.Cache[string, entry]
	closed atomic.Bool
}

type entry struct {
	value []byte
	ttl   time.Duration
}

func newMemory(cfg Config) (*memory, error) {
	limit := cfg.MaxBytes
	if limit <= 0 {
		limit = defaultMaxBytes
	}
	cache, err := otter.New(&otter.Options[string, entry]{
		MaximumWeight:    uint64(limit),
		Weigher:          weigh,
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, entry]) time.Duration { return e.Value.ttl }),
	})
	if err != nil {
		return nil, fmt.Errorf("kv: open memory store: %w", err)
	}
	return &memory{cache: cache}, nil
}

func weigh(key string, e entry) uint32 {
	return uint32(min(len(key)+len(e.value)+entryOverhead, math.MaxUint32))
}

func (m *memory) MGet(_ context.Context, keys []string) ([][]byte, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	out := make([][]byte, len(keys))
	for i, k := range keys {
		if e, ok := m.cache.GetIfPresent(k); ok {
			out[i] = e.value
		}
	}
	return out, nil
}

func (m *memory) Set(_ context.Context, items []Item) error {
	if m.closed.Load() {
		return ErrClosed
	}
	if err := check(items); err != nil {
		return err
	}
	for _, it := range items {
		e := entry{value: it.Value, ttl: it.TTL}
		switch {
		case it.IfValue != nil:
			m.cache.ComputeIfPresent(it.Key, func(old entry) (entry, otter.ComputeOp) {
				if bytes.Equal(old.value, it.IfValue) {
					return e, otter.WriteOp
				}
				return old, otter.CancelOp
			})
		case it.IfAbsent:
			m.cache.SetIfAbsent(it.Key, e)
		default:
			m.cache.Set(it.Key, e)
		}
	}
	return nil
}

func (m *memory) Delete(_ context.Context, keys []string) error {
	if m.closed.Load() {
		return ErrClosed
	}
	for _, k := range keys {
		m.cache.Invalidate(k)
	}
	return nil
}

func (m *memory) Ping(context.Context) error {
	if m.closed.Load() {
		return ErrClosed
	}
	return nil
}

func (m *memory) Close() error {
	if m.closed.CompareAndSwap(false, true) {
		m.cache.StopAllGoroutines()
		m.cache.InvalidateAll()
	}
	return nil
}
