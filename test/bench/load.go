package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/cloudwego/hertz/pkg/network"
	"github.com/cloudwego/hertz/pkg/network/standard"
	"github.com/cloudwego/hertz/pkg/protocol"
	"github.com/cloudwego/hertz/pkg/protocol/http1/resp"

	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// dialTimeout bounds a connection, lateTime the wait for answers that are under way at the end.
	dialTimeout, lateTime = 5 * time.Second, 15 * time.Second
	// redialPause keeps a refused connection from being tried in a loop.
	redialPause = 50 * time.Millisecond
	// slowest is the longest latency that is told apart.
	slowest = 2 * time.Minute
)

// plan is how load is made.
type plan struct {
	// conns is the number of connections, each with one request at a time.
	conns int
	// rate is the number of requests that are due each second, whatever the server does (open loop); 0 sends the next
	// one as soon as the one before it is answered (closed loop).
	rate float64
	// warmup is not measured; duration is.
	warmup, duration time.Duration
}

// tally is what came of a load.
type tally struct {
	// hist holds the latencies of accepted requests in microseconds, and of those that were due but never sent.
	hist *hdrhistogram.Histogram
	// count is by verdict, bytes the size of all bodies.
	count [failed + 1]int64
	bytes int64
	// unsent requests were due within the time, but no connection was free to send them.
	unsent int64
	// problem is the first thing that went wrong.
	problem string
}

func newTally() tally { return tally{hist: hdrhistogram.New(1, slowest.Microseconds(), 3)} }

// record files a latency; what is longer than slowest counts as slowest.
func (t *tally) record(took time.Duration) {
	_ = t.hist.RecordValue(min(max(took, time.Microsecond), slowest).Microseconds()) // is in its range
}

// ms is a quantile of the latencies in milliseconds.
func (t *tally) ms(q float64) float64 { return float64(t.hist.ValueAtQuantile(q)) / 1000 }

// generator sends requests to addresses of loopback.
type generator struct {
	addr string
	// others are further gateways, which get an equal share of the connections.
	others []string
	data   *dataset.Set
	// next is the number of the next request of each scenario: a later run goes on where the one before it ended.
	next map[string]uint64
}

// load is one run of a generator.
type load struct {
	plan
	scenario
	data     *dataset.Set
	first    uint64
	begin    time.Time
	measure  time.Time // the measured time begins
	end      time.Time
	sent     atomic.Uint64
	lists    atomic.Uint64 // that connections began to scroll through: each takes the next one
	answered atomic.Int64  // accepted answers so far, also outside of the measured time
	mu       sync.Mutex
	tally    // guarded by mu
}

// run sends requests by the plan. window is called when the measured time begins and when it ends, with the number of
// accepted answers so far.
func (g *generator) run(ctx context.Context, p plan, s scenario, window func(answered int64)) (tally, error) {
	l := &load{plan: p, scenario: s, data: g.data, first: g.next[s.name], begin: time.Now(), tally: newTally()}
	l.measure = l.begin.Add(p.warmup)
	l.end = l.measure.Add(p.duration)
	var wg sync.WaitGroup
	for i := range p.conns {
		addr := g.addr
		if n := i % (1 + len(g.others)); n > 0 {
			addr = g.others[n-1]
		}
		wg.Go(func() { l.work(ctx, addr) })
	}
	l.watch(ctx, window)
	wg.Wait()
	g.next[s.name] += l.sent.Load()
	l.countUnsent()
	if err := ctx.Err(); err != nil {
		return l.tally, err
	}
	if l.count[accepted] == 0 {
		return l.tally, fmt.Errorf("%s: no request was accepted: %s", s.name, l.problem)
	}
	return l.tally, nil
}

// watch calls window at both ends of the measured time.
func (l *load) watch(ctx context.Context, window func(int64)) {
	for _, edge := range []time.Time{l.measure, l.end} {
		if !harness.Until(ctx, edge) {
			return
		}
		window(l.answered.Load())
	}
}

// due is when the k-th request is due. In a closed loop that is now, when a connection is free for it.
func (l *load) due(k uint64, now time.Time) time.Time {
	if l.rate <= 0 {
		return now
	}
	return l.begin.Add(time.Duration(float64(k) / l.rate * float64(time.Second)))
}

// counts reports whether a request that was due then belongs to the measured time.
func (l *load) counts(due time.Time) bool { return !due.Before(l.measure) && due.Before(l.end) }

// countUnsent adds the requests of an open loop that were due in the measured time and never sent: each has waited from
// when it was due until the end and longer. To leave them out would make an overloaded server look fast.
func (l *load) countUnsent() {
	for k := l.sent.Load(); l.rate > 0; k++ {
		due := l.due(k, time.Time{})
		if !due.Before(l.end) {
			return
		}
		if l.counts(due) {
			l.unsent++
			l.record(l.end.Sub(due))
		}
	}
}

// work is the loop of one connection, to addr.
func (l *load) work(ctx context.Context, addr string) {
	c := conn{addr: addr, deadline: l.end.Add(lateTime)}
	defer c.close()
	var buf []byte
	var at scroll
	for {
		now := time.Now()
		if ctx.Err() != nil || !now.Before(l.end) {
			return
		}
		k := l.sent.Add(1) - 1
		due := l.due(k, now)
		if !due.Before(l.end) {
			l.sent.Add(^uint64(0)) // not due any more, so it was not sent
			return
		}
		if !harness.Until(ctx, due) {
			return
		}
		n := l.first + k
		if at.cursor == "" && l.scrolls > 0 {
			n = l.first + l.lists.Add(1) - 1
		}
		n = at.goOn(n)
		buf = l.request(buf[:0], addr, l.data, n, at.cursor)
		status, body, head, err := c.do(buf)
		done := time.Now()
		if l.firstByte {
			done = head
		}
		v := failed
		if err == nil {
			v = l.judge(l.data, n, status, body)
		}
		if at.cursor = ""; v == accepted {
			l.answered.Add(1)
			at.read(body, l.scrolls)
		}
		if l.counts(due) {
			l.note(v, done.Sub(due), status, body, err)
		}
		if err != nil {
			c.close()
			harness.Until(ctx, done.Add(redialPause))
		}
	}
}

// note files one answer of the measured time.
func (l *load) note(v verdict, took time.Duration, status int, body []byte, err error) {
	l.mu.Lock() // cheap beside a request
	defer l.mu.Unlock()
	l.bytes += int64(len(body))
	l.count[v]++
	switch {
	case v == accepted:
		l.record(took)
	case l.problem != "":
	case err != nil:
		l.problem = err.Error()
	default:
		l.problem = fmt.Sprintf("HTTP %d: %.200s", status, body)
	}
}

// conn is a keep-alive connection that sends requests as they are and parses answers with Hertz. That costs a quarter
// less than Hertz's whole client, because a request is not taken apart and built again.
type conn struct {
	addr     string
	deadline time.Time
	nc       network.Conn
	resp     protocol.Response
}

// do sends a request and reads its answer; the body is good until the next call. head is when the first byte was there.
func (c *conn) do(req []byte) (status int, body []byte, head time.Time, err error) {
	if c.nc == nil {
		nc, err := standard.NewDialer().DialConnection("tcp", c.addr, dialTimeout, nil)
		if err != nil {
			return 0, nil, head, err
		}
		if c.nc = nc; !c.deadline.IsZero() {
			if err := c.nc.SetDeadline(c.deadline); err != nil {
				return 0, nil, head, err
			}
		}
	}
	if _, err := c.nc.Write(req); err != nil {
		return 0, nil, head, err
	}
	if _, err := c.nc.Peek(1); err != nil {
		return 0, nil, head, err
	}
	head = time.Now()
	c.resp.Reset()
	if err := resp.ReadHeaderAndLimitBody(&c.resp, c.nc, 0); err != nil {
		return 0, nil, head, err
	}
	_ = c.nc.Release() // only gives buffers back
	if c.resp.ConnectionClose() {
		c.close()
	}
	return c.resp.StatusCode(), c.resp.BodyBytes(), head, nil
}

func (c *conn) close() {
	if c.nc != nil {
		_ = c.nc.Close() // nothing is lost with it
		c.nc = nil
	}
}
