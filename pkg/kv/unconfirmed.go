package kv

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxUnconfirmed bounds the ids remembered while the store is away. Above it this process passes by the store altogether.
	maxUnconfirmed   = 1 << 17
	unconfirmedBatch = 500
	retryMin         = 100 * time.Millisecond
	// retryMax, and that a node is found again within probeMax, must be less than grace together.
	retryMax = probeMax
)

// unconfirmed is ids whose tombstone could not be written: the store may hold old values of them.
type unconfirmed[K comparable] struct {
	mu       sync.Mutex
	ids      map[K]time.Time // until when an old value may be in the store
	all      time.Time       // until when every value may be old
	retrying bool
}

// add remembers ids and reports whether nobody retries them yet: then the caller has to.
func (u *unconfirmed[K]) add(ids []K, until time.Time) (retry bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids == nil {
		u.ids = make(map[K]time.Time)
	}
	for _, id := range ids {
		if _, known := u.ids[id]; !known && len(u.ids) >= maxUnconfirmed {
			u.all = until
			break
		}
		u.ids[id] = until
	}
	retry = !u.retrying
	u.retrying = true
	return retry
}

// among returns those of ids that are unconfirmed, and all of known.
func (u *unconfirmed[K]) among(ids []K, known map[K]struct{}) map[K]struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := !u.all.IsZero() && time.Now().Before(u.all)
	if !all && len(u.ids) == 0 {
		return known
	}
	out := known
	if out == nil {
		out = make(map[K]struct{})
	}
	for _, id := range ids {
		if _, bad := u.ids[id]; bad || all {
			out[id] = struct{}{}
		}
	}
	return out
}

// next drops what has expired and returns a batch of the rest. Without a rest the retrying is over.
func (u *unconfirmed[K]) next() map[K]time.Time {
	now := time.Now()
	u.mu.Lock()
	defer u.mu.Unlock()
	batch := make(map[K]time.Time)
	for id, until := range u.ids {
		switch {
		case now.After(until):
			delete(u.ids, id)
		case len(batch) < unconfirmedBatch:
			batch[id] = until
		}
	}
	u.retrying = len(batch) > 0
	return batch
}

// confirm forgets a batch whose tombstones are written.
func (u *unconfirmed[K]) confirm(batch map[K]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, until := range batch {
		// Added again meanwhile means: committed again after this tombstone was on its way.
		if u.ids[id].Equal(until) {
			delete(u.ids, id)
		}
	}
}

func (u *unconfirmed[K]) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.retrying = false
}

// distrust remembers that the store may hold old values of ids, and works on it until it is not so any more.
func (c *LoadingCache[K, T]) distrust(ids []K) {
	if c.unconfirmed.add(ids, time.Now().Add(max(c.ttl, c.negTTL)*11/10)) {
		go c.retry()
	}
}

// distrustLate remembers those of ids whose values may have been stored although err says that this failed: a server that hangs does
// so when it goes on, and then the tombstone that was to prevent it may have expired.
func (c *LoadingCache[K, T]) distrustLate(ids []K, err error) {
	var late []K
	for _, id := range ids {
		if err := ErrorOf(err, c.key(id)); err != nil && !errors.Is(err, errAway) && !errors.Is(err, ErrClosed) && !isReply(err) {
			late = append(late, id)
		}
	}
	if len(late) > 0 {
		c.distrust(late)
	}
}

// failedAmong returns those of ids for which an operation failed that returned err.
func (c *LoadingCache[K, T]) failedAmong(ids []K, err error) []K {
	if !isPartial(err) {
		return ids
	}
	var failed []K
	for _, id := range ids {
		if ErrorOf(err, c.key(id)) != nil {
			failed = append(failed, id)
		}
	}
	return failed
}

// retry writes the missing tombstones. It ends when there are none left, at the latest when all old values have expired, or
// when the store is closed.
func (c *LoadingCache[K, T]) retry() {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = retryMin, 2, retryMax
	write := func() (done struct{}, err error) {
		for batch := c.unconfirmed.next(); len(batch) > 0; batch = c.unconfirmed.next() {
			ctx, cancel := context.WithTimeout(context.Background(), c.loadTimeout)
			err := c.store.Set(ctx, c.tombstones(slices.Collect(maps.Keys(batch))))
			cancel()
			if errors.Is(err, ErrClosed) {
				c.unconfirmed.stop()
				return done, nil
			}
			if err != nil && !isPartial(err) {
				return done, err
			}
			for id := range batch {
				if err != nil && ErrorOf(err, c.key(id)) != nil {
					delete(batch, id)
				}
			}
			c.unconfirmed.confirm(batch)
			if err != nil {
				return done, err
			}
			pause.Reset()
		}
		return done, nil
	}
	_, _ = backoff.Retry(context.Background(), write, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
}
