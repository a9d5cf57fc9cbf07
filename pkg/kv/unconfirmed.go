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
	// pauseMax is between two tries to write again what could not be written, and between two pings of a node that is away. Both together
	// must be less than grace.
	pauseMax = 500 * time.Millisecond
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
	late := c.failedAmong(ids, err, func(err error) bool { return !errors.Is(err, errAway) && !errors.Is(err, ErrClosed) && !isReply(err) })
	if len(late) > 0 {
		c.distrust(late)
	}
}

// failedAmong returns those of ids for which an operation that returned err failed with an error that counts.
func (c *LoadingCache[K, T]) failedAmong(ids []K, err error, counts func(error) bool) (failed []K) {
	for _, id := range ids {
		if err := ErrorOf(err, c.key(id)); err != nil && counts(err) {
			failed = append(failed, id)
		}
	}
	return failed
}

// retry writes the missing tombstones. It ends when there are none left, at the latest when all old values have expired, or
// when the store is closed.
func (c *LoadingCache[K, T]) retry() {
	for more := true; more; { // after each batch the pauses begin anew
		keepTrying(context.Background(), retryMin, func() (err error) {
			more, err = c.writeUnconfirmed()
			return err
		})
	}
}

// writeUnconfirmed writes some of the missing tombstones. more is false when there was none, or the store is closed.
func (c *LoadingCache[K, T]) writeUnconfirmed() (more bool, err error) {
	batch := c.unconfirmed.next()
	if len(batch) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.loadTimeout)
	defer cancel()
	err = c.store.Set(ctx, c.tombstones(slices.Collect(maps.Keys(batch))))
	if errors.Is(err, ErrClosed) {
		c.unconfirmed.stop()
		return false, nil
	}
	if err != nil && !isPartial(err) {
		return true, err
	}
	for id := range batch {
		if err != nil && ErrorOf(err, c.key(id)) != nil {
			delete(batch, id)
		}
	}
	c.unconfirmed.confirm(batch)
	return true, err
}

// keepTrying calls try until it returns nil or ctx ends, with pauses that grow from first to pauseMax.
func keepTrying(ctx context.Context, first time.Duration, try func() error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = first, 2, pauseMax
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, try() }, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
}
