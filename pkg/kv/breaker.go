package kv

import (
	"errors"
	"sync"
	"time"
)

const (
	// breakerFailures in a row open the breaker.
	breakerFailures = 3
	// breakerPause is how long it stays open before one operation may try again.
	breakerPause = 500 * time.Millisecond
)

var errAway = errors.New("redis does not answer, not tried again yet")

// breaker keeps a Redis that does not answer from adding its timeout to every request.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time // when open: the next try
	probing  bool      // a try is under way
}

func (b *breaker) allow(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerFailures {
		return true
	}
	if b.probing || now.Before(b.until) {
		return false
	}
	b.probing = true
	return true
}

// done takes the outcome of an operation that allow let through.
func (b *breaker) done(now time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if ok {
		b.failures = 0
		return
	}
	b.failures++
	b.until = now.Add(breakerPause)
}

// cancelled is done for an operation without an outcome.
func (b *breaker) cancelled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}
