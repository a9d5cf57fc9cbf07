// Package streams knows the event streams that are open: it bounds them, and ends them when their sessions do or the gateway stops.
package streams

import (
	"errors"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

const (
	// PerUser is how many streams a user may have; the oldest ends for another one. A browser needs one.
	PerUser = 8
	// networkShare says which part of all streams one client network may have: the half.
	networkShare = 2
	// minStreams are allowed however few connections there are.
	minStreams = 8
)

// Errors of Open.
var (
	ErrFull     = errors.New("this gateway has no room for another event stream")
	ErrNetwork  = errors.New("this address has too many event streams")
	ErrStopping = errors.New("this gateway stops")
)

// Reason is why a stream has ended.
type Reason string

// Reasons.
const (
	Stopped  Reason = "stopped"  // the gateway stops
	Revoked  Reason = "revoked"  // the session was ended
	Replaced Reason = "replaced" // the user has opened too many later ones
	Expired  Reason = "expired"  // the token has
	Gone     Reason = "gone"     // the client has closed the connection
	Slow     Reason = "slow"     // the client does not read
	Failed   Reason = "failed"   // no hints come any more
)

// Limits bound the streams that are open at the same time.
type Limits struct{ total, perNetwork int }

// NewLimits takes the setting gateway.max_streams, and how many connections there may be. Streams take half of those at most, so
// that requests have the others.
func NewLimits(maxStreams, conns int) Limits {
	most := max(conns/2, minStreams)
	if maxStreams > 0 {
		most = min(most, maxStreams)
	}
	return Limits{total: most, perNetwork: max(most/networkShare, min(minStreams, most))}
}

// Set is the open streams of a gateway. It is safe for concurrent use.
type Set struct {
	limits Limits
	hints  *prometheus.CounterVec
	refuse *prometheus.CounterVec
	ended  *prometheus.CounterVec

	mu       sync.Mutex
	open     int                 // guarded by mu
	users    map[int64][]*Stream // guarded by mu; oldest first
	networks map[string]int      // guarded by mu
	stopping bool                // guarded by mu
}

// New makes an empty set.
func New(l Limits, reg *prometheus.Registry) *Set {
	counter := func(name, help, label string) *prometheus.CounterVec {
		return telemetry.Register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}))
	}
	s := &Set{
		limits: l, users: map[int64][]*Stream{}, networks: map[string]int{},
		hints: counter("tiktok_streams_hints_total",
			"Hints that came for event streams: sent, joined with one that waits and says the same, dropped because too many wait, or bad.",
			"outcome"),
		refuse: counter("tiktok_streams_refused_total", "Event streams that were refused, by the limit: total or address.", "limit"),
		ended:  counter("tiktok_streams_ended_total", "Event streams that have ended, by why.", "reason"),
	}
	telemetry.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_streams_open", Help: "Event streams that are open.",
	}, func() float64 { return float64(s.Open()) }))
	telemetry.Register(reg, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tiktok_streams_max", Help: "Event streams that may be open: gateway.max_streams, or half of the connections.",
	}, func() float64 { return float64(l.total) }))
	return s
}

// Open is how many are open.
func (s *Set) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Stream is one that is open.
type Stream struct {
	set           *Set
	user, session int64
	network       string
	end           chan struct{} // is closed to end it
	why           Reason        // guarded by set.mu; "" while it is open
}

// Add opens a stream for a session of a user, from a client network as package clientnet names it. The caller ends it with Close.
// Errors are those of this package.
func (s *Set) Add(user, session int64, network string) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, ErrStopping
	}
	if same := s.users[user]; len(same) >= PerUser {
		s.remove(same[0], Replaced)
	}
	if s.open >= s.limits.total {
		s.refuse.WithLabelValues("total").Inc()
		return nil, ErrFull
	}
	if s.networks[network] >= s.limits.perNetwork {
		s.refuse.WithLabelValues("address").Inc()
		return nil, ErrNetwork
	}
	st := &Stream{set: s, user: user, session: session, network: network, end: make(chan struct{})}
	s.users[user] = append(s.users[user], st)
	s.networks[network]++
	s.open++
	return st, nil
}

// remove ends a stream. mu is held.
func (s *Set) remove(st *Stream, why Reason) {
	if st.why != "" {
		return
	}
	st.why = why
	close(st.end)
	if left := slices.DeleteFunc(s.users[st.user], func(o *Stream) bool { return o == st }); len(left) > 0 {
		s.users[st.user] = left
	} else {
		delete(s.users, st.user)
	}
	if s.networks[st.network]--; s.networks[st.network] == 0 {
		delete(s.networks, st.network)
	}
	s.open--
	s.ended.WithLabelValues(string(why)).Inc()
}

// Revoke ends the streams of a session; session 0 are those of tokens that name none.
func (s *Set) Revoke(user, session int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range slices.Clone(s.users[user]) {
		if st.session == session {
			s.remove(st, Revoked)
		}
	}
}

// Stop ends all streams, and refuses new ones.
func (s *Set) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for _, all := range s.users {
		for _, st := range slices.Clone(all) {
			s.remove(st, Stopped)
		}
	}
}

// Hint counts a hint that came for a stream, by what became of it: sent, joined, dropped or bad.
func (s *Set) Hint(outcome string) { s.hints.WithLabelValues(outcome).Inc() }

// Ended is closed when the stream has to end.
func (st *Stream) Ended() <-chan struct{} { return st.end }

// Close ends the stream, unless it has ended. It may be called more than once.
func (st *Stream) Close(why Reason) {
	st.set.mu.Lock()
	defer st.set.mu.Unlock()
	st.set.remove(st, why)
}
