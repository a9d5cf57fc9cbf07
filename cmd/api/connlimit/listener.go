// Package connlimit bounds the connections that clients may have open: in all, and for each client network.
package connlimit

import (
	"iter"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/config"
	"tiktok/pkg/accept"
	"tiktok/pkg/clientnet"
)

const (
	// defaultConns is how many connections are held at most when nothing is set. An idle one takes about 20 KiB.
	defaultConns = 20_000
	// spareFiles are the file descriptors that connections leave to everything else.
	spareFiles = 128
	// minConns are allowed however few file descriptors there are.
	minConns = 16
	// networkShare says which part of all connections one client network may have when nothing is set: the half.
	networkShare = 2
	// evictionSample is how many connections are looked at for the one that has been idle longest.
	evictionSample = 32
	// logEvery is the pause between two log lines about failed accepts.
	logEvery = 10 * time.Second
)

// Why a connection is refused or evicted.
const (
	reasonTotal   = iota // gateway.max_conns
	reasonNetwork        // gateway.max_conns_per_addr
	reasonFiles          // no file descriptor is left
	reasons
)

// Limits bound the connections that are open at the same time.
type Limits struct {
	// total is for all of them, perNetwork for those of one client network: an IPv4 address, an IPv6 /64.
	total, perNetwork int
	// proxies are not limited by network: their connections are many clients'.
	proxies []netip.Prefix
}

// NewLimits takes limits from settings and fills in what is not set there. Half of the process's file descriptors may be
// connections, because the answer to each may be a file.
func NewLimits(cfg config.Gateway, proxies []netip.Prefix) Limits {
	return newLimits(cfg, proxies, openFiles())
}

// newLimits is NewLimits for a number of file descriptors, 0 for no limit.
func newLimits(cfg config.Gateway, proxies []netip.Prefix, files uint64) Limits {
	total, perNetwork := cfg.MaxConns, cfg.MaxConnsPerAddr
	if total == 0 {
		total = defaultConns
		if files > 0 && files < 2*(defaultConns+spareFiles) {
			total = max(int(files/2)-spareFiles, int(files/4), minConns)
		}
	}
	if perNetwork == 0 {
		perNetwork = max(total/networkShare, minConns)
	}
	if cfg.ProxyHops > 0 { // all connections are those of proxies, whatever their addresses are
		perNetwork = total
	}
	return Limits{total: total, perNetwork: min(perNetwork, total), proxies: proxies}
}

// Total is how many connections may be open.
func (l Limits) Total() int { return l.total }

// Conn is a connection that can be evicted. Its methods may be called from any goroutine.
type Conn interface {
	net.Conn
	comparable
	// IdleSince is when it began to wait for a request; ok is false while it has one.
	IdleSince() (since time.Time, ok bool)
	// Evict makes an idle connection unusable. It returns false, and does nothing, while the connection has a request.
	Evict() bool
	// CloseNow closes it without waiting for the client.
	CloseNow() error
}

// Listener accepts connections within limits and knows the open ones. Over a limit it evicts an idle connection; without one
// it closes the new connection. Its metrics are registered with Register.
type Listener[C Conn] struct {
	*accept.Listener
	limits Limits
	log    *slog.Logger
	wrap   func(c *net.TCPConn, closed func()) C
	logged time.Time // the last failed accept in the log; only Accept uses it

	mu       sync.Mutex
	conns    map[C]netip.Prefix              // guarded by mu; the network that each counts for
	networks map[netip.Prefix]map[C]struct{} // guarded by mu

	failures         atomic.Int64
	refused, evicted [reasons]atomic.Int64
}

// Listen limits the connections of ln, which must be a TCP listener. wrap makes a Conn of each accepted connection; the Conn
// calls closed when the server closes it.
func Listen[C Conn](ln net.Listener, limits Limits, log *slog.Logger, wrap func(c *net.TCPConn, closed func()) C) *Listener[C] {
	l := &Listener[C]{limits: limits, log: log, wrap: wrap, conns: map[C]netip.Prefix{}, networks: map[netip.Prefix]map[C]struct{}{}}
	l.Listener = accept.Retry(ln, l.acceptFailed)
	return l
}

// Accept returns the next connection that is within the limits, net.ErrClosed after Close, or an error of the listener that
// is not temporary.
func (l *Listener[C]) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			if admitted, ok := l.admit(tcp); ok {
				return admitted, nil
			}
		}
		_ = c.Close() // nothing was sent on it yet
	}
}

// acceptFailed evicts a connection: what is missing is a file descriptor mostly.
func (l *Listener[C]) acceptFailed(err error) {
	l.failures.Add(1)
	if time.Since(l.logged) > logEvery {
		l.logged = time.Now()
		l.log.Error("connections cannot be accepted", "err", err, "failures", l.failures.Load())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.evict(maps.Keys(l.conns), reasonFiles)
}

// admit adds a connection, or returns false if a limit is reached and no connection can be evicted.
func (l *Listener[C]) admit(tcp *net.TCPConn) (c C, ok bool) {
	network := l.networkOf(tcp)
	l.mu.Lock()
	defer l.mu.Unlock()
	if same := l.networks[network]; network.IsValid() && len(same) >= l.limits.perNetwork && !l.evict(maps.Keys(same), reasonNetwork) {
		l.refused[reasonNetwork].Add(1)
		return c, false
	}
	if len(l.conns) >= l.limits.total && !l.evict(maps.Keys(l.conns), reasonTotal) {
		l.refused[reasonTotal].Add(1)
		return c, false
	}
	c = l.wrap(tcp, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.remove(c)
	})
	l.conns[c] = network
	if network.IsValid() {
		if l.networks[network] == nil {
			l.networks[network] = map[C]struct{}{}
		}
		l.networks[network][c] = struct{}{}
	}
	return c, true
}

// networkOf is what a connection counts for, the zero Prefix when it does not count by network.
func (l *Listener[C]) networkOf(tcp *net.TCPConn) netip.Prefix {
	addr, ok := tcp.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	client := addr.AddrPort().Addr().Unmap()
	if slices.ContainsFunc(l.limits.proxies, func(p netip.Prefix) bool { return p.Contains(client) }) {
		return netip.Prefix{}
	}
	return clientnet.Of(client)
}

// evict closes an idle connection: of a sample, in which a map's order is as good as chance, one of the network with the most
// connections, and of those the one that has been idle longest. So a client that opens many connections loses its own, not
// those of a client that has one. mu is held.
func (l *Listener[C]) evict(among iter.Seq[C], reason int) bool {
	var victim C
	var most int
	var oldest time.Time
	seen, found := 0, false
	for c := range among {
		since, idle := c.IdleSince()
		n := len(l.networks[l.conns[c]])
		if idle && (!found || n > most || n == most && since.Before(oldest)) {
			victim, most, oldest, found = c, n, since, true
		}
		if seen++; seen == evictionSample {
			break
		}
	}
	if !found || !victim.Evict() { // its next request has just begun
		return false
	}
	l.evicted[reason].Add(1)
	l.remove(victim)
	_ = victim.CloseNow()
	return true
}

// remove takes a connection off. mu is held.
func (l *Listener[C]) remove(c C) {
	network := l.conns[c]
	delete(l.conns, c)
	delete(l.networks[network], c)
	if len(l.networks[network]) == 0 {
		delete(l.networks, network)
	}
}

// Conns are the open connections.
func (l *Listener[C]) Conns() []C {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.conns))
}

// count is how many connections are open.
func (l *Listener[C]) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}
