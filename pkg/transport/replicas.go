package transport

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/telemetry"
)

const (
	// lookEvery is how often servers are looked at while calls are under way.
	lookEvery = 50 * time.Millisecond
	// silence is how long a server with calls under way may answer none of them before it is suspected: no call is given to it that
	// another can take, and it is probed. One that refuses or breaks a connection is suspected at once.
	silence = 300 * time.Millisecond
	// verdict is how many looks later a suspected server that has not answered the probe either is ejected. Looks are counted and not
	// time, so that a caller that was itself stopped for a while blames nobody.
	verdict = 6
	// probeTimeout bounds a probe. The pause between two grows up to probePause, in looks: whoever hangs for hours shall not find
	// its queue full of probes.
	probeTimeout = 500 * time.Millisecond
	probePause   = 20
	// rest is after how many looks at nothing to see the looking ends, until the next call.
	rest = 100
)

// errEjected ends a repeatable write whose server was ejected while it was under way.
var errEjected = errors.New("transport: the server does not answer")

// replicas are the servers that a process calls. It finds those that hang: processes that are stopped, or that no packet reaches,
// whose connections are open and from which nothing comes. Kitex' circuit breaker for instances counts failures, and there are
// none before the timeout of a call.
type replicas struct {
	log     *slog.Logger
	ejected *prometheus.GaugeVec
	begin   time.Time
	all     sync.Map     // address → *replica
	avoided atomic.Int32 // how many are suspected
	looking atomic.Bool
}

// replica is one server.
type replica struct {
	service, address string
	ask              func(ctx context.Context, address string) error // probes it

	underWay  atomic.Int32
	heard     atomic.Int64 // when it last answered, or got a call while it had none; since replicas.begin
	suspected atomic.Bool
	tried     atomic.Bool // judged since it is suspected
	probed    atomic.Bool // a probe is under way

	// Of the goroutine that looks.
	silentSince int64 // heard, when it was first judged
	looks       int   // since then
	pause, next int   // looks between probes, and at which the next one is

	mu      sync.Mutex
	ejected chan struct{} // closed while it is; guarded by mu
	left    bool          // the registry, for good; guarded by mu
}

func newReplicas(tel *telemetry.Telemetry) *replicas {
	return &replicas{log: tel.Log, begin: time.Now(), ejected: telemetry.Register(tel.Registry, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tiktok_rpc_ejected_peers", Help: "Replicas of a service that this process does not call because they do not answer.",
	}, []string{"service"}))}
}

func (p *replicas) now() int64 { return int64(time.Since(p.begin)) }

func (p *replicas) get(service, address string, ask func(context.Context, string) error) *replica {
	if known, ok := p.all.Load(address); ok {
		return known.(*replica) //nolint:forcetypeassert // it holds nothing else
	}
	known, _ := p.all.LoadOrStore(address, &replica{service: service, address: address, ask: ask, ejected: make(chan struct{})})
	return known.(*replica) //nolint:forcetypeassert // as above
}

// avoids reports whether a server is suspected.
func (p *replicas) avoids(address string) bool {
	known, ok := p.all.Load(address)
	return ok && known.(*replica).suspected.Load() //nolint:forcetypeassert // as above
}

// watch notes the calls that go to each server. A repeatable write ends when its server is ejected: it can be sent to another.
func (p *replicas) watch(methods Methods, ask func(context.Context, string) error) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, req, resp any) error {
			ri := rpcinfo.GetRPCInfo(ctx)
			to := p.get(ri.To().ServiceName(), ri.To().Address().String(), ask)
			if methods[ri.Invocation().MethodName()].Kind != RepeatableWrite || to.suspected.Load() {
				return p.call(ctx, to, next, req, resp)
			}
			done := make(chan error, 1)
			spawn(ctx, func() { done <- p.call(ctx, to, next, req, resp) })
			select {
			case err := <-done:
				return err
			case <-to.gone():
				return errEjected
			}
		}
	}
}

func (p *replicas) call(ctx context.Context, to *replica, next endpoint.Endpoint, req, resp any) error {
	if to.underWay.Add(1) == 1 && !to.suspected.Load() {
		to.heard.Store(p.now())
	}
	if !p.looking.Load() {
		p.look()
	}
	err := next(ctx, req, resp)
	switch {
	case err == nil || !lost(err):
		to.heard.Store(p.now())
	case broken(err):
		p.suspect(to)
	}
	to.underWay.Add(-1)
	return err
}

// suspect keeps calls away from a server that another can take.
func (p *replicas) suspect(to *replica) {
	if !to.suspected.Swap(true) {
		p.avoided.Add(1)
	}
}

// look begins to look at the servers, unless that is done already, and ends when there is nothing to see.
func (p *replicas) look() {
	if p.looking.Swap(true) {
		return
	}
	go func() {
		ticks := time.NewTicker(lookEvery)
		defer ticks.Stop()
		for idle := 0; idle < rest; idle++ {
			<-ticks.C
			if p.lookOnce() {
				idle = 0
			}
		}
		p.looking.Store(false)
		if p.lookOnce() { // a call began just now and took this goroutine for the one that looks
			p.look()
		}
	}()
}

// lookOnce looks at each server and reports whether there is one to look at again soon.
func (p *replicas) lookOnce() (busy bool) {
	p.all.Range(func(_, value any) bool {
		to := value.(*replica) //nolint:forcetypeassert // as above
		p.judge(to)
		busy = busy || to.suspected.Load() || to.underWay.Load() > 0
		return true
	})
	return busy
}

func (p *replicas) judge(to *replica) {
	heard := to.heard.Load()
	if to.underWay.Load() > 0 && p.now()-heard >= int64(silence) {
		p.suspect(to)
	}
	switch {
	case !to.suspected.Load():
		return
	case !to.tried.Swap(true):
		to.silentSince, to.looks, to.pause, to.next = heard, 0, 1, 0
	case heard != to.silentSince:
		p.release(to)
		return
	default:
		to.looks++
		if to.looks >= verdict && p.another(to) {
			p.eject(to)
		}
	}
	if to.looks >= to.next && !to.probed.Swap(true) {
		to.next = to.looks + to.pause
		to.pause = min(2*to.pause, probePause)
		go p.probe(to)
	}
}

// probe asks a server for a sign of life.
func (p *replicas) probe(to *replica) {
	defer to.probed.Store(false)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), probing{}, true), probeTimeout)
	defer cancel()
	if err := to.ask(ctx, to.address); err == nil || !lost(err) {
		to.heard.Store(p.now())
	}
}

// another reports whether the service has a server besides that is not suspected: else what is under way there had better be waited for.
func (p *replicas) another(than *replica) (found bool) {
	p.all.Range(func(_, value any) bool {
		r := value.(*replica) //nolint:forcetypeassert // as above
		found = r != than && r.service == than.service && !r.suspected.Load()
		return !found
	})
	return found
}

// eject is done once in a suspicion.
func (p *replicas) eject(to *replica) {
	to.mu.Lock()
	defer to.mu.Unlock()
	select {
	case <-to.ejected:
		return
	default:
	}
	if to.left {
		return
	}
	close(to.ejected)
	p.ejected.WithLabelValues(to.service).Inc()
	p.log.Warn("rpc: a replica does not answer, others are called instead", "service", to.service, "address", to.address)
}

// release ends what a suspicion has brought.
func (p *replicas) release(to *replica) {
	to.tried.Store(false)
	if !to.suspected.Swap(false) {
		return
	}
	p.avoided.Add(-1)
	to.mu.Lock()
	defer to.mu.Unlock()
	select {
	case <-to.ejected:
		to.ejected = make(chan struct{})
		p.ejected.WithLabelValues(to.service).Dec()
		p.log.Info("rpc: a replica answers again, or has left", "service", to.service, "address", to.address)
	default:
	}
}

// forget drops a server that has left the registry.
func (p *replicas) forget(address string) {
	if known, ok := p.all.LoadAndDelete(address); ok {
		to := known.(*replica) //nolint:forcetypeassert // as above
		to.mu.Lock()
		to.left = true
		to.mu.Unlock()
		p.release(to)
	}
}

// gone is closed when the server is ejected.
func (to *replica) gone() <-chan struct{} {
	to.mu.Lock()
	defer to.mu.Unlock()
	return to.ejected
}
