package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	hertzserver "github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/hertz/pkg/network/standard"

	"tiktok/pkg/auth"
	"tiktok/test/dataset"
	"tiktok/test/harness"
)

// Names of floors.
const (
	floorHTTP = "Hertz, same bytes"
	floorSQL  = "the statement"
	floorHash = "the password hash"
)

const (
	// workersAtFloor call a store or a server side by side.
	workersAtFloor = 8
	// setAnswer is the header of the request whose body the server of floors answers with from then on.
	setAnswer = "X-Set-Answer"
)

// floor is the least that an answer can cost: a part of the work, done by the same libraries on the same machine right
// after the scenario. rate is how often it was done a second, cpu the processor time of 1000 times in seconds.
type floor struct {
	name      string
	rate, cpu float64
}

// floors measures the floors of a scenario.
func (s *session) floors(sc scenario, p plan) []floor {
	all := []floor{s.floorOfHTTP(sc, p)}
	self := map[string]int{generatorName: os.Getpid()}
	if sc.sql != "" {
		dataset.WithStores(s.t, s.d.Config.DB, func(db dataset.Stores) {
			pids := harness.ServerPIDs()
			pids[generatorName] = os.Getpid()
			args := func(n uint64) []any { return []any{sc.list(s.gen.data, n).ID} }
			if sc.args != nil {
				args = func(n uint64) []any { return sc.args(s.gen.data, n) }
			}
			all = append(all, s.repeat(floorSQL, workersAtFloor, pids, func(ctx context.Context, n uint64) error {
				rows, err := db[sc.store].Read.WithContext(ctx).Raw(sc.sql, args(n)...).Rows()
				if err != nil {
					return err
				}
				for rows.Next() {
					continue
				}
				return errors.Join(rows.Err(), rows.Close())
			}))
		})
	}
	if sc.hashes {
		stored, err := dataset.Hash(s.t.Context())
		check(s.t, err)
		h := auth.NewHasher(0)
		all = append(all, s.repeat(floorHash, runtime.GOMAXPROCS(0), self, func(ctx context.Context, _ uint64) error {
			if ok, err := h.Verify(ctx, "", stored, dataset.Password); !ok {
				return errors.Join(err, errors.New("the password is not right"))
			}
			return nil
		}))
	}
	return all
}

// floorOfHTTP takes a real answer and has a Hertz server send it from memory, to the same requests.
func (s *session) floorOfHTTP(sc scenario, p plan) floor {
	n := s.gen.next[sc.name]
	s.gen.next[sc.name]++
	c := conn{addr: s.gen.addr}
	defer c.close()
	status, body, _, err := c.do(sc.request(nil, s.gen.addr, s.gen.data, n, ""))
	check(s.t, err)
	if sc.judge(s.gen.data, n, status, body) != accepted {
		s.t.Fatalf("the answer to copy is HTTP %d: %.200s", status, body)
	}
	f := s.floorServer()
	to := conn{addr: f.addr}
	defer to.close()
	set := fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\n%s: %d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		setAnswer, status, c.resp.Header.ContentType(), len(body), body)
	_, _, _, err = to.do(set)
	check(s.t, err)
	// The answer is the same each time, so it is not always what the next request is due.
	same := sc
	same.answer = &answer{status, len(body)}
	g := &generator{addr: f.addr, data: s.gen.data, next: map[string]uint64{}}
	pids := map[string]int{floorHTTP: f.PID()}
	var samples []sample
	p.rate, p.warmup, p.duration = 0, s.floorTime/4, s.floorTime
	tally, err := g.run(s.t.Context(), p, same, func(answered int64) { samples = append(samples, sample{answered, harness.TakeSample(pids)}) })
	check(s.t, err)
	if tally.count[failed] > 0 {
		s.t.Fatalf("the floor of %s: %d failed: %s", sc.name, tally.count[failed], tally.problem)
	}
	var r result
	r.between(samples[0], samples[1])
	return floor{floorHTTP, r.rate, r.cpu()}
}

// repeat does a thing in a loop on some goroutines and says what the processes used for it.
func (s *session) repeat(name string, workers int, pids map[string]int, do func(ctx context.Context, n uint64) error) floor {
	var done, next atomic.Uint64
	errs := make([]error, workers)
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				if errs[i] = do(s.t.Context(), next.Add(1)-1); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	harness.Until(ctx, time.Now().Add(s.floorTime/4))
	first := sample{int64(done.Load()), harness.TakeSample(pids)}
	harness.Until(ctx, time.Now().Add(s.floorTime))
	last := sample{int64(done.Load()), harness.TakeSample(pids)}
	stop()
	wg.Wait()
	check(s.t, errors.Join(append(errs, s.t.Context().Err())...))
	var r result
	r.between(first, last)
	f := floor{name: name, rate: r.rate}
	for _, p := range r.processes {
		f.cpu += p.cpu
	}
	return f
}

// floorProcess is this program as a server, so that its processor time is told apart.
type floorProcess struct {
	*harness.Program
	addr string
}

// floorServer starts it when it is needed first.
func (s *session) floorServer() *floorProcess {
	if s.floorProc == nil {
		self, err := os.Executable()
		check(s.t, err)
		f := &floorProcess{addr: harness.FreePort(s.t)}
		f.Program = harness.RunServer(s.t, self, f.addr, "/", "serve", f.addr)
		s.floorProc = f
	}
	return s.floorProc
}

// serve answers HTTP requests with what it was told last, by Hertz as the gateway uses it, until ctx ends.
func serve(ctx context.Context, addr string) error {
	hlog.SetLevel(hlog.LevelError)
	h := hertzserver.New(hertzserver.WithHostPorts(addr), hertzserver.WithTransport(standard.NewTransporter),
		hertzserver.WithDisablePrintRoute(true), hertzserver.WithMaxRequestBodySize(2*publishBytes), hertzserver.WithExitWaitTime(time.Second))
	status, kind, body := http.StatusOK, "text/plain", []byte(nil)
	h.Any("/*any", func(_ context.Context, c *app.RequestContext) {
		if code := c.Request.Header.Get(setAnswer); code != "" { // nobody else asks meanwhile
			status, _ = strconv.Atoi(code)
			kind, body = string(c.ContentType()), append([]byte(nil), c.Request.Body()...)
			return
		}
		c.Response.Header.SetContentType(kind)
		c.SetStatusCode(status)
		c.Response.SetBodyRaw(body)
	})
	ended := make(chan error, 1)
	go func() { ended <- h.Run() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return h.Shutdown(context.WithoutCancel(ctx))
	}
}
