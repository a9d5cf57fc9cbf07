package kv

import (
	"bytes"
	"context"
	"sync/atomic"
)

const defaultMaxBytes = 64 << 20

// memory is the store of one process. What a LoadingCache keeps in it is not encoded: see inProcess.
type memory struct {
	values kindInProcess[string, []byte]
	closed atomic.Bool
}

func newMemory(maxBytes int64) *memory {
	if maxBytes <= 0 {
		maxBytes = defaultMaxBytes
	}
	size := func(key string, value []byte) int { return len(key) + len(value) }
	return &memory{values: newKindInProcess(newInProcess(maxBytes), "", 0, 0, size)}
}

func (m *memory) inProcess() (p *inProcess, alone bool) { return m.values.inProcess, true }

func (m *memory) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	if err := m.Ping(ctx); err != nil {
		return nil, err
	}
	out, now := make([][]byte, len(keys)), m.values.now()
	for i, k := range keys {
		e, _ := m.values.cache.GetIfPresent(m.values.key(k))
		if h := m.values.own(e, k, now); h != nil {
			out[i] = h.value
		}
	}
	return out, nil
}

func (m *memory) Set(ctx context.Context, items []Item) error {
	if err := m.Ping(ctx); err != nil {
		return err
	}
	if err := check(items); err != nil {
		return err
	}
	now := m.values.now()
	for _, it := range items {
		h := &cached[string, []byte]{kind: m.values.kind, id: it.Key, value: it.Value, until: now + it.TTL}
		m.values.update(it.Key, h, func(old *cached[string, []byte]) bool {
			if it.IfValue != nil {
				return old != nil && bytes.Equal(old.value, it.IfValue)
			}
			return old == nil || !it.IfAbsent
		})
	}
	return nil
}

func (m *memory) Delete(ctx context.Context, keys []string) error {
	if err := m.Ping(ctx); err != nil {
		return err
	}
	for _, k := range keys {
		m.values.cache.Invalidate(m.values.key(k))
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
		m.values.cache.InvalidateAll()
	}
	return nil
}
