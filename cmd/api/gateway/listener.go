package gateway

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tiktok/config"
	"tiktok/pkg/clientnet"
)

const (
	// defaultConns is how many connections are held at most when nothing is set. An idle one takes about 20 KiB.
	defaultConns = 20_000
	// spareFiles are the file descriptors that connections leave to everything else.
	spareFiles = 128
	// minConns are allowed however few file descriptors there are.
	minConns = 16
	// addrShare is the part of all connections that one address may have when nothing is set.
	addrShare = 2
	// evictionSample is how many connections are looked at for the one that has been idle longest.
	evictionSample = 32
	// acceptPause is the first pause after a failed accept; each further one is twice as long, up to acceptPauseMax.
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
	// acceptLogEvery is the pause between two log lines about failed accepts.
	acceptLogEvery = 10 * time.Second
)

// Why a connection is refused or makes room for another.
const (
	reasonTotal = iota // gateway.max_conns
	reasonAddr         // gateway.max_conns_per_addr
	reasonFiles        // no file descriptor is left
	reasons
)

// connLimits bound the connections that are open at the same time.
type connLimits struct {
	// total is for all of them, perAddr for those of one client address (IPv6: of one /64).
	total, perAddr int
	// proxies are not counted by address: their connections are many people's.
	proxies []netip.Prefix
}

// limitConns fills in what is not set: of files, the process's limit of file descriptors, half may be connections, because
// the answer to each may be a file. Without a limit files is 0.
func limitConns(cfg config.Gateway, proxies []netip.Prefix, files uint64) connLimits {
	total, perAddr := cfg.MaxConns, cfg.MaxConnsPerAddr
	if total == 0 {
		total = defaultConns
		if files > 0 && files < 2*(defaultConns+spareFiles) {
			total = max(int(files/2)-spareFiles, int(files/4), minConns)
		}
	}
	if perAddr == 0 {
		perAddr = max(total/addrShare, minConns)
	}
	if cfg.ProxyHops > 0 { // all connections are those of proxies, whatever their addresses are
		perAddr = total
	}
	return connLimits{total: total, perAddr: min(perAddr, total), proxies: proxies}
}

// listener accepts connections as long as it is open: what goes wrong meanwhile is waited out, because Hertz stops at any
// error. It bounds how many there are, and finds them again when the server stops.
type listener struct {
	net.Listener
	limits connLimits
	log    *slog.Logger
	stall  time.Duration // stallTimeout
	done   chan struct{}
	once   sync.Once
	logged time.Time // the last failed accept in the log; only Accept uses it

	mu    sync.Mutex
	conns map[*conn]struct{}                  // guarded by mu
	addrs map[netip.Prefix]map[*conn]struct{} // guarded by mu; those that count by address

	failures         atomic.Int64
	refused, evicted [reasons]atomic.Int64
}

func newListener(ln net.Listener, limits connLimits, log *slog.Logger) *listener {
	return &listener{
		Listener: ln, limits: limits, log: log, stall: stallTimeout, done: make(chan struct{}),
		conns: map[*conn]struct{}{}, addrs: map[netip.Prefix]map[*conn]struct{}{},
	}
}

// Accept returns the next connection that is within the limits, or net.ErrClosed.
func (l *listener) Accept() (net.Conn, error) {
	var pause time.Duration
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if !passing(err) {
				return nil, err
			}
			l.failures.Add(1)
			if time.Since(l.logged) > acceptLogEvery {
				l.logged = time.Now()
				l.log.Error("connections cannot be accepted", "err", err, "failures", l.failures.Load())
			}
			l.makeRoom(reasonFiles)
			pause = min(max(2*pause, acceptPause), acceptPauseMax)
			if !l.wait(pause) {
				return nil, net.ErrClosed
			}
			continue
		}
		pause = 0
		tcp, ok := c.(*net.TCPConn)
		if !ok {
			_ = c.Close() // cannot happen: the listener is one of TCP
			continue
		}
		if tracked := l.admit(tcp); tracked != nil {
			return tracked, nil
		}
		_ = tcp.Close() // nothing was said on it yet
	}
}

// passing reports whether the listener may accept again after an error: the connection, the network, or what the process or
// the machine has left, was at fault.
func passing(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR, syscall.EPROTO, syscall.EPERM,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// wait returns false when the listener was closed meanwhile.
func (l *listener) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.done:
		return false
	}
}

// Close ends Accept.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// admit adds a connection. Over a limit one that waits for its next request makes room; nil says that there is none.
func (l *listener) admit(tcp *net.TCPConn) *conn {
	c := &conn{TCPConn: tcp, owner: l, net: l.network(tcp)}
	c.idleSince.Store(time.Now().UnixNano())
	var victims []*conn
	defer func() {
		for _, v := range victims {
			_ = v.kill()
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	room := func(among map[*conn]struct{}, limit, reason int) bool {
		if len(among) < limit {
			return true
		}
		if v := l.evict(among, reason); v != nil {
			victims = append(victims, v)
			return true
		}
		l.refused[reason].Add(1)
		return false
	}
	if c.net.IsValid() && !room(l.addrs[c.net], l.limits.perAddr, reasonAddr) {
		return nil
	}
	if !room(l.conns, l.limits.total, reasonTotal) {
		return nil
	}
	l.conns[c] = struct{}{}
	if c.net.IsValid() {
		of := l.addrs[c.net]
		if of == nil {
			of = map[*conn]struct{}{}
			l.addrs[c.net] = of
		}
		of[c] = struct{}{}
	}
	return c
}

// network is what a connection counts for, the zero Prefix when it does not count by address.
func (l *listener) network(tcp *net.TCPConn) netip.Prefix {
	addr, ok := tcp.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	client := addr.AddrPort().Addr().Unmap()
	for _, p := range l.limits.proxies {
		if p.Contains(client) {
			return netip.Prefix{}
		}
	}
	return clientnet.Of(client)
}

// evict takes a connection off that waits for its next request: of a sample, in which a map's order is as good as chance, one
// of the client with the most connections, and of those the one that has waited longest. So who opens many loses their own, not
// those of somebody who has one. The caller holds mu, and kills it.
func (l *listener) evict(among map[*conn]struct{}, reason int) *conn {
	var worst *conn
	seen := 0
	for c := range among {
		if c.state.Load() == idle && (worst == nil || l.before(c, worst)) {
			worst = c
		}
		if seen++; seen == evictionSample {
			break
		}
	}
	if worst == nil || !worst.state.CompareAndSwap(idle, evicted) { // its next request has just begun
		return nil
	}
	l.evicted[reason].Add(1)
	l.forget(worst)
	return worst
}

// before reports whether a is evicted before b; the caller holds mu.
func (l *listener) before(a, b *conn) bool {
	if n, m := len(l.addrs[a.net]), len(l.addrs[b.net]); n != m {
		return n > m
	}
	return a.idleSince.Load() < b.idleSince.Load()
}

// makeRoom closes a connection that waits for its next request.
func (l *listener) makeRoom(reason int) {
	l.mu.Lock()
	victim := l.evict(l.conns, reason)
	l.mu.Unlock()
	if victim != nil {
		_ = victim.kill()
	}
}

// forget takes a connection off; the caller holds mu.
func (l *listener) forget(c *conn) {
	delete(l.conns, c)
	if of := l.addrs[c.net]; of != nil {
		if delete(of, c); len(of) == 0 {
			delete(l.addrs, c.net)
		}
	}
}

// count is how many connections are open.
func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// closeIdle ends the connections on which no request is under way. Hertz waits for all of them when it stops.
func (l *listener) closeIdle() {
	for _, c := range l.all() {
		if s := c.state.Load(); s == idle || s == reading {
			_ = c.TCPConn.SetReadDeadline(time.Now()) // its reader closes it
		}
	}
}

// closeAll ends the rest.
func (l *listener) closeAll() {
	for _, c := range l.all() {
		_ = c.kill()
	}
}

func (l *listener) all() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		out = append(out, c)
	}
	return out
}
