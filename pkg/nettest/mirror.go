package nettest

import (
	"testing"
	"time"
)

// mirrorEvery is how often a mirror looks whether its target is back.
const mirrorEvery = 20 * time.Millisecond

// Mirror listens at addr, host:port, until the test ends, as long as the target does: when the target refuses a connection the proxy
// stops listening until it no longer does, so that clients are refused, too, and know that nothing was sent.
func Mirror(t testing.TB, addr, target string) *Proxy {
	t.Helper()
	return listen(t, &Proxy{Addr: addr, target: target, mirror: true})
}

// shut stops listening; it returns false when that was done already.
func (p *Proxy) shut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return false
	}
	_ = p.listener.Close()
	p.listener = nil
	return true
}

// Shut makes a mirror refuse connections until Reopen; those that it has go on. For a target that is about to be killed: nobody is
// let in who would find nobody there.
func (p *Proxy) Shut() { p.shut() }

// Reopen ends Shut, as soon as the target accepts connections.
func (p *Proxy) Reopen() { p.wg.Go(p.await) }

// await listens again as soon as the target does.
func (p *Proxy) await() {
	tick := time.NewTicker(mirrorEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		conn, err := p.dial(p.ctx)
		if err != nil {
			continue
		}
		_ = conn.Close()
		if p.open() == nil {
			return
		}
	}
}
