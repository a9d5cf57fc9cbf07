// Package kv is the cache: a small key-value store with two drivers, and LoadingCache, the one way services use it.
//
// There are two levels. A store keeps decoded values in the process, bounded in bytes for all kinds together: with the memory
// driver that is all, for as long as values live. Over Redis it is the first level, for a second and for few kinds.
//
// Nothing in it is the truth. Every value can be lost at any time, and a failure of the store is a metric and a log
// line, never an error for the caller of LoadingCache.
package kv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/pkg/tlsconf"
)

// Drivers of Config.Driver.
const (
	DriverMemory = "memory"
	DriverRedis  = "redis"
)

// ErrClosed is returned by a store that was closed.
var ErrClosed = errors.New("kv: store is closed")

// ErrBadItem is returned by Set, before anything is stored, for an item without key, value or positive TTL.
var ErrBadItem = errors.New("kv: bad item")

// Config chooses and sets up a store.
type Config struct {
	// Driver is "memory" (the default) or "redis".
	Driver string `mapstructure:"driver"`
	// Addrs are host:port of Redis: one server, the seed nodes of a Cluster, or the Sentinels when MasterName is set.
	Addrs []string `mapstructure:"addrs"`
	// Username and Password log in at Redis. Empty: no login.
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
	// TLS is for the connections to Redis and to Sentinels, TLS 1.2 at least. Empty: no TLS. Nodes of a Cluster and masters
	// that are announced by IP addresses need ServerName, or those addresses in their certificates and in Addrs.
	TLS tlsconf.Config `mapstructure:"tls"`
	// MasterName is the name that the Sentinels know the master by. Empty: no Sentinel.
	MasterName string `mapstructure:"master_name"`
	// Cluster forces Cluster mode when Addrs holds only one address.
	Cluster bool `mapstructure:"cluster"`
	// DB is the Redis database number; always 0 on a Cluster.
	DB int `mapstructure:"db"`
	// MaxBytes bounds the memory driver: keys, values of all kinds and an estimate of the bookkeeping. 0 means 64 MiB.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// Timeout bounds one operation on Redis, waiting for a connection included. 0 means 250 ms.
	Timeout time.Duration `mapstructure:"timeout"`
}

// Item is one value to store.
type Item struct {
	Key   string
	Value []byte
	// TTL is how long the value lives, at least a millisecond.
	TTL time.Duration
	// IfAbsent stores only when the key has no value.
	IfAbsent bool
	// IfValue, when not nil, stores only when the key holds exactly these bytes. It wins over IfAbsent.
	IfValue []byte
}

// Store is a bounded key-value store whose values expire. It is safe for concurrent use. Values are never empty:
// an empty slice cannot be stored. The suite for every driver is kvtest.
type Store interface {
	// MGet reads all keys in one round trip. The answer has the order of keys; a missing key is a nil slice.
	// The slices belong to the store: they must not be changed. With a *PartialError the values of the other keys are there.
	MGet(ctx context.Context, keys []string) ([][]byte, error)
	// Set stores all items in one round trip. A condition that does not hold is not an error. The items are not one
	// transaction: after an error some may be stored, after a *PartialError all of the keys that it does not name. The values must not
	// be changed afterwards.
	Set(ctx context.Context, items []Item) error
	// Delete removes the keys; missing ones are fine.
	Delete(ctx context.Context, keys []string) error
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	// Close releases the store. Operations afterwards fail with ErrClosed.
	Close() error
}

// Open returns the store that cfg describes. It does not fail when Redis is away: the store answers errors until
// Redis is back.
func Open(_ context.Context, cfg Config) (Store, error) {
	switch cfg.Driver {
	case "", DriverMemory:
		return newMemory(cfg.MaxBytes), nil
	case DriverRedis:
		return newRedisStore(cfg), nil
	default:
		return nil, fmt.Errorf("kv: unknown driver %q, want %q or %q", cfg.Driver, DriverMemory, DriverRedis)
	}
}

func check(items []Item) error {
	for _, it := range items {
		if it.Key == "" || len(it.Value) == 0 || it.TTL < time.Millisecond {
			return fmt.Errorf("%w: key %q, %d bytes, TTL %v", ErrBadItem, it.Key, len(it.Value), it.TTL)
		}
	}
	return nil
}

// overRedisBytes bounds what a store on Redis keeps in this process.
const overRedisBytes = 8 << 20

// processOf is what s keeps in this process, and whether that is all of it.
func processOf(s Store) (p *inProcess, alone bool) {
	if own, ok := s.(interface{ inProcess() (*inProcess, bool) }); ok {
		return own.inProcess()
	}
	return newInProcess(overRedisBytes), false
}
