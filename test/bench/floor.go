package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/pkg/auth"
)

// Names of floors.
const (
	floorHTTP = "Hertz, same bytes"
	floorRPC  = "one Kitex call"
	floorSQL  = "the statement"
	floorHash = "the password hash"
)

// floor is the least that an answer can cost: a part of the work, done by the same libraries on the same machine right
// after the scenario.
type floor struct {
	Name string `json:"name"`
	// PerSecond is how often it was done, CPU the processor time of 1000 times in seconds.
	PerSecond float64 `json:"per_second"`
	CPU       float64 `json:"cpu_s_per_1000"`
}

// workersAtFloor call a store or a server side by side.
const workersAtFloor = 8

// floors measures the floors of a scenario.
func (s *session) floors(ctx context.Context, sc scenario, p plan) (all []floor, err error) {
	f, err := s.floorOfHTTP(ctx, sc, p)
	if err != nil {
		return nil, err
	}
	all = append(all, f)
	if sc.rpc != nil {
		f, err := s.floorOfRPC(ctx, sc.rpc)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if sc.sql != nil {
		f, err := s.floorOfSQL(ctx, sc.sql)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	if sc.hashes {
		f, err := s.floorOfHash(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// floorOfHTTP takes a real answer and has a Hertz server send it from memory, to the same requests.
func (s *session) floorOfHTTP(ctx context.Context, sc scenario, p plan) (f floor, err error) {
	n := s.gen.next[sc.name]
	s.gen.next[sc.name]++
	c := conn{addr: s.dep.addr}
	defer c.close()
	status, body, err := c.do(ctx, sc.build(s.data, s.dep.addr)(nil, n))
	if err != nil {
		return f, err
	}
	if v := sc.judges(s.data)(n, status, body); v != accepted {
		return f, fmt.Errorf("the answer to copy is HTTP %d: %.200s", status, body)
	}
	file := filepath.Join(s.dep.dir, "floor.body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return f, err
	}
	addr := s.dep.at(floorPort)
	args := []string{serveHTTP, addr, fmt.Sprint(status), string(c.resp.Header.ContentType()), file}
	proc, err := s.dep.helper(ctx, args, addr)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, proc.stop()) }()
	// The answer is the same each time, so it is not always what the next request is due.
	same := sc
	same.check = func(*dataset) judge {
		return func(_ uint64, code int, got []byte) verdict {
			if code != status || len(got) != len(body) {
				return failed
			}
			return accepted
		}
	}
	g := &generator{addr: addr, next: map[string]uint64{}}
	var samples []sample
	window := func(answered int64) {
		samples = append(samples, sampleOf(map[string]int{floorHTTP: proc.pid()}, answered))
	}
	p.Rate, p.Warmup, p.Duration = 0, s.opts.floorTime/4, s.opts.floorTime
	t, err := g.run(ctx, p, same, s.data, func(int64) {}, window)
	if err != nil {
		return f, err
	}
	if t.failed > 0 || len(samples) != 2 {
		return f, fmt.Errorf("%d failed: %s", t.failed, t.firstError)
	}
	var r result
	r.between(samples[0], samples[1])
	return floor{Name: floorHTTP, PerSecond: r.PerSecond, CPU: r.cost()}, nil
}

// floorOfSQL runs the statement that the answer is made from straight at the store.
func (s *session) floorOfSQL(ctx context.Context, make func(*dataset, stores) statement) (f floor, err error) {
	db := stores{}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.open(ctx, s.dep.cfg.DB); err != nil {
		return f, err
	}
	pids := map[string]int{generatorName: os.Getpid()}
	if file, ok := s.dep.servers[mariaDB]; ok {
		pids[mariaDB] = pidFile(file)
	}
	return s.repeat(ctx, floorSQL, workersAtFloor, pids, make(s.data, db))
}

// floorOfHash checks a password as a login does, on all processors.
func (s *session) floorOfHash(ctx context.Context) (floor, error) {
	stored, err := hash(ctx)
	if err != nil {
		return floor{}, err
	}
	h := auth.NewHasher(0)
	return s.repeat(ctx, floorHash, runtime.GOMAXPROCS(0), map[string]int{generatorName: os.Getpid()}, func(ctx context.Context, _ uint64) error {
		ok, err := h.Verify(ctx, "", stored, password)
		if err == nil && !ok {
			err = errors.New("the password is not right")
		}
		return err
	})
}

// statement does a thing for the n-th time.
type statement func(ctx context.Context, n uint64) error

// repeat does a thing in a loop on some goroutines and says what the processes used for it.
func (s *session) repeat(ctx context.Context, name string, workers int, pids map[string]int, do statement) (floor, error) {
	var done, next atomic.Uint64
	errs := make([]error, workers)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for errs[i] == nil {
				select {
				case <-stop:
					return
				default:
				}
				if errs[i] = do(ctx, next.Add(1)-1); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	begin := time.Now()
	wait(ctx, timer, begin.Add(s.opts.floorTime/4))
	first := sampleOf(pids, int64(done.Load()))
	wait(ctx, timer, time.Now().Add(s.opts.floorTime))
	last := sampleOf(pids, int64(done.Load()))
	close(stop)
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return floor{}, err
	}
	var r result
	r.between(first, last)
	f := floor{Name: name, PerSecond: r.PerSecond}
	for _, p := range r.Processes {
		f.CPU += p.CPU
	}
	return f, nil
}
