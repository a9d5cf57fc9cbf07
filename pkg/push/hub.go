package push

import (
	"encoding/json"
	"slices"
	"sync"
)

// channels is how many channels the users are spread over: a power of two.
const channels = 64

// channelOf is the channel of a user. It is the same in all processes.
func channelOf(user int64) int {
	const golden = 0x9E3779B97F4A7C15       // 2^64 by the golden ratio: ids are ordered by time, their own bits are not spread evenly
	return int(uint64(user) * golden >> 58) //nolint:gosec // an id is positive; six bits
}

// hub gives hints to the subscribers of this process.
type hub struct {
	metrics *metrics
	parts   [channels]part
}

// part is the subscribers of one channel.
type part struct {
	mu     sync.RWMutex
	users  map[int64][]chan json.RawMessage // guarded by mu
	closed bool                             // guarded by mu
}

func newHub(m *metrics) *hub {
	h := &hub{metrics: m}
	for i := range h.parts {
		h.parts[i].users = map[int64][]chan json.RawMessage{}
	}
	return h
}

// subscribe adds a subscriber. cancel may be called more than once.
func (h *hub) subscribe(user int64) (hints chan json.RawMessage, cancel func(), err error) {
	p := &h.parts[channelOf(user)]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	hints = make(chan json.RawMessage, Buffer)
	p.users[user] = append(p.users[user], hints)
	h.metrics.subscriptions.Inc()
	return hints, func() { h.remove(user, hints) }, nil
}

func (h *hub) remove(user int64, hints chan json.RawMessage) {
	p := &h.parts[channelOf(user)]
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.users[user], hints)
	if i < 0 {
		return
	}
	if p.users[user] = slices.Delete(p.users[user], i, i+1); len(p.users[user]) == 0 {
		delete(p.users, user)
	}
	close(hints)
	h.metrics.subscriptions.Dec()
}

// deliver gives a hint to each subscriber of the user that has room for it.
func (h *hub) deliver(user int64, data json.RawMessage) {
	p := &h.parts[channelOf(user)]
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, hints := range p.users[user] {
		select {
		case hints <- data:
			h.metrics.delivered.Inc()
		default:
			h.metrics.dropped.Inc()
		}
	}
}

// close ends all subscriptions, and refuses new ones.
func (h *hub) close() {
	for i := range h.parts {
		p := &h.parts[i]
		p.mu.Lock()
		p.closed = true
		for _, all := range p.users {
			for _, hints := range all {
				close(hints)
				h.metrics.subscriptions.Dec()
			}
		}
		clear(p.users)
		p.mu.Unlock()
	}
}

func (h *hub) isClosed() bool {
	h.parts[0].mu.RLock()
	defer h.parts[0].mu.RUnlock()
	return h.parts[0].closed
}
