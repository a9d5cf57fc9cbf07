package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/valyala/fasthttp"
)

const (
	// drainTime is how long answers that are still on their way at the end are waited for.
	drainTime = 15 * time.Second
	// redialPause keeps a refused connection from being tried in a loop.
	redialPause = 50 * time.Millisecond
	// slowest is the longest latency that is told apart.
	slowest = 2 * time.Minute
)

// plan is how load is made.
type plan struct {
	// Conns is the number of connections, each with one request at a time.
	Conns int `json:"connections"`
	// Rate is the number of requests that are due each second, whatever the server does (open loop); 0 sends the next
	// one as soon as the one before it is answered (closed loop).
	Rate float64 `json:"rate,omitempty"`
	// Warmup is not measured; Duration is.
	Warmup   time.Duration `json:"-"`
	Duration time.Duration `json:"-"`
}

// tally is what came of it.
type tally struct {
	// hist holds the latencies of accepted requests in microseconds, and of those that were due but never sent.
	hist                             *hdrhistogram.Histogram
	accepted, refused, failed, bytes int64
	// unsent requests were due within the time, but no connection was free to send them.
	unsent int64
	// firstError is the first thing that went wrong.
	firstError string
}

// recorder collects what the connections see. A lock is cheap beside a request.
type recorder struct {
	mu sync.Mutex
	tally
	// answered counts accepted answers since the start, also outside of the measured time.
	answered atomic.Int64
}

func newRecorder() *recorder {
	return &recorder{tally: tally{hist: hdrhistogram.New(1, slowest.Microseconds(), 3)}}
}

// note records one answer that took so long.
func (r *recorder) note(v verdict, took time.Duration, bytes int, problem func() string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += int64(bytes)
	switch v {
	case accepted:
		r.accepted++
		r.record(took)
		return
	case refused:
		r.refused++
	case failed:
		r.failed++
	}
	if r.firstError == "" {
		r.firstError = problem()
	}
}

// record files a latency; what is longer than slowest counts as slowest.
func (r *recorder) record(took time.Duration) {
	_ = r.hist.RecordValue(min(max(took, time.Microsecond), slowest).Microseconds())
}

// clock says when requests are due and which of them count.
type clock struct {
	plan  plan
	begin time.Time
	// measure and end bound the measured time.
	measure, end time.Time
}

func newClock(p plan, begin time.Time) clock {
	measure := begin.Add(p.Warmup)
	return clock{plan: p, begin: begin, measure: measure, end: measure.Add(p.Duration)}
}

// due is when the k-th request is due. In a closed loop that is now: when a connection is free for it.
func (c clock) due(k uint64, now time.Time) time.Time {
	if c.plan.Rate <= 0 {
		return now
	}
	return c.begin.Add(time.Duration(float64(k) / c.plan.Rate * float64(time.Second)))
}

// counts reports whether a request that was due then belongs to the measured time.
func (c clock) counts(due time.Time) bool { return !due.Before(c.measure) && due.Before(c.end) }

// unsent are the requests that were due in the measured time, of which the first sent ones were sent: each has waited
// from when it was due until the end and longer. To leave them out would make an overloaded server look fast.
func (c clock) unsent(sent uint64, r *recorder) {
	if c.plan.Rate <= 0 {
		return
	}
	for k := sent; ; k++ {
		due := c.due(k, time.Time{})
		if !due.Before(c.end) {
			return
		}
		if c.counts(due) {
			r.unsent++
			r.record(c.end.Sub(due))
		}
	}
}

// generator sends requests to one address.
type generator struct {
	addr string
	// next is the number of the next request of each scenario: a later run goes on where the one before it ended.
	next map[string]uint64
}

// run sends requests by the plan. progress is called each second and window when the measured time begins and when it
// ends, both with the number of accepted answers so far.
func (g *generator) run(ctx context.Context, p plan, s scenario, d *dataset, progress, window func(answered int64)) (tally, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Warmup+p.Duration+drainTime)
	defer cancel()
	r := newRecorder()
	w := worker{
		addr: g.addr, clock: newClock(p, time.Now()), first: g.next[s.name], build: s.build(d, g.addr), check: s.judges(d),
		rec: r, sent: new(atomic.Uint64),
	}
	var wg sync.WaitGroup
	for range p.Conns {
		wg.Go(func() { w.work(ctx) })
	}
	watch(ctx, w.clock, &r.answered, progress, window)
	wg.Wait()
	sent := w.sent.Load()
	g.next[s.name] += sent
	w.clock.unsent(sent, r)
	if r.accepted == 0 {
		return r.tally, fmt.Errorf("%s: no request was accepted: %s", s.name, r.firstError)
	}
	return r.tally, nil
}

// watch reports progress each second, and the beginning and end of the measured time.
func watch(ctx context.Context, c clock, answered *atomic.Int64, progress, window func(int64)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for _, until := range []time.Time{c.measure, c.end} {
		timer := time.NewTimer(time.Until(until))
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				progress(answered.Load())
			case <-timer.C:
				window(answered.Load())
				waiting = false
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
	}
}

// worker is one connection's loop; all share it but for the connection.
type worker struct {
	addr  string
	clock clock
	first uint64
	build request
	check judge
	rec   *recorder
	sent  *atomic.Uint64
}

func (w worker) work(ctx context.Context) {
	c := conn{addr: w.addr}
	defer c.close()
	defer context.AfterFunc(ctx, c.abort)()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var buf []byte
	for ctx.Err() == nil {
		now := time.Now()
		if !now.Before(w.clock.end) {
			return
		}
		k := w.sent.Add(1) - 1
		due := w.clock.due(k, now)
		if !due.Before(w.clock.end) {
			w.sent.Add(^uint64(0)) // not due any more, so it was not sent
			return
		}
		if !wait(ctx, timer, due) {
			return
		}
		buf = w.build(buf[:0], w.first+k)
		w.one(ctx, &c, buf, w.first+k, due, timer)
	}
}

// one sends the n-th request and records what became of it.
func (w worker) one(ctx context.Context, c *conn, req []byte, n uint64, due time.Time, timer *time.Timer) {
	status, body, err := c.do(ctx, req)
	done := time.Now()
	v := failed
	if err == nil {
		v = w.check(n, status, body)
	}
	if v == accepted {
		w.rec.answered.Add(1)
	}
	if w.clock.counts(due) {
		w.rec.note(v, done.Sub(due), len(body), func() string {
			if err != nil {
				return err.Error()
			}
			return fmt.Sprintf("HTTP %d: %.200s", status, body)
		})
	}
	if err != nil {
		c.close()
		wait(ctx, timer, done.Add(redialPause))
	}
}

// wait returns true once it is that time, false when ctx ends first.
func wait(ctx context.Context, timer *time.Timer, until time.Time) bool {
	d := time.Until(until)
	if d <= 0 {
		return true
	}
	timer.Reset(d)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// conn is a keep-alive connection that sends requests as they are and parses answers. That costs a quarter less than
// the clients of fasthttp and Hertz, which cost the same, because the request is not taken apart and built again.
type conn struct {
	addr string
	mu   sync.Mutex
	nc   net.Conn // guarded by mu
	dead bool     // guarded by mu
	r    *bufio.Reader
	resp fasthttp.Response
}

var errAborted = errors.New("no answer in time")

func (c *conn) do(ctx context.Context, req []byte) (status int, body []byte, err error) {
	nc, err := c.open(ctx)
	if err != nil {
		return 0, nil, err
	}
	if _, err := nc.Write(req); err != nil {
		return 0, nil, err
	}
	c.resp.Reset()
	if err := c.resp.Read(c.r); err != nil {
		return 0, nil, err
	}
	if c.resp.ConnectionClose() {
		defer c.close()
	}
	return c.resp.StatusCode(), c.resp.Body(), nil
}

func (c *conn) open(ctx context.Context) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead:
		return nil, errAborted
	case c.nc != nil:
		return c.nc, nil
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	c.nc, c.r = nc, bufio.NewReader(nc)
	return nc, nil
}

func (c *conn) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc != nil {
		_ = c.nc.Close() // nothing is lost with it
		c.nc = nil
	}
}

// abort ends the request that waits, and all later ones.
func (c *conn) abort() {
	c.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}
