package kvtest

import (
	"context"
	"slices"
	"time"

	"tiktok/pkg/kv"
)

// Prefixed is a store that a test has for itself in a Redis that others use: it puts a prefix before every key.
type Prefixed struct {
	kv.Store
	lists  kv.Lists
	prefix string
}

// NewPrefixed returns the part of s whose keys start with prefix. s has kv.Lists.
func NewPrefixed(s kv.Store, prefix string) *Prefixed {
	return &Prefixed{Store: s, lists: s.(kv.Lists), prefix: prefix}
}

// MGet implements kv.Store.
func (p *Prefixed) MGet(ctx context.Context, keys []string) ([][]byte, error) {
	return p.Store.MGet(ctx, p.own(keys))
}

// Set implements kv.Store.
func (p *Prefixed) Set(ctx context.Context, items []kv.Item) error {
	own := slices.Clone(items)
	for i := range own {
		own[i].Key = p.prefix + own[i].Key
	}
	return p.Store.Set(ctx, own)
}

// Delete implements kv.Store.
func (p *Prefixed) Delete(ctx context.Context, keys []string) error {
	return p.Store.Delete(ctx, p.own(keys))
}

// AddEntries implements kv.Lists.
func (p *Prefixed) AddEntries(ctx context.Context, entries []kv.Entry, max int, ttl time.Duration) ([]int, error) {
	return p.lists.AddEntries(ctx, p.ownEntries(entries), max, ttl)
}

// ReadLists implements kv.Lists.
func (p *Prefixed) ReadLists(ctx context.Context, keys []string) ([][][]byte, error) {
	return p.lists.ReadLists(ctx, p.own(keys))
}

// RemoveEntries implements kv.Lists.
func (p *Prefixed) RemoveEntries(ctx context.Context, entries []kv.Entry) error {
	return p.lists.RemoveEntries(ctx, p.ownEntries(entries))
}

func (p *Prefixed) own(keys []string) []string {
	own := slices.Clone(keys)
	for i := range own {
		own[i] = p.prefix + own[i]
	}
	return own
}

func (p *Prefixed) ownEntries(entries []kv.Entry) []kv.Entry {
	own := slices.Clone(entries)
	for i := range own {
		own[i].List = p.prefix + own[i].List
	}
	return own
}
