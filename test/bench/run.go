package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
	"tiktok/pkg/queue"
	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// emptyTimeout bounds the wait for the writer to catch up after a storm.
	emptyTimeout = 2 * time.Minute
	// unaudited is how long the writes of a scenario that is not audited have until the next one.
	unaudited = 5 * time.Second
	// restTime is how long a deployment is left alone before its memory at rest is read.
	restTime = 3 * time.Second
	// settleSlice is how long the load runs between two looks at its rate while it settles, steadySlices how many in a row
	// that are not faster than the best one so far show that no cache fills any more.
	settleSlice, faster, steadySlices = 2 * time.Second, 1.02, 3
	// stormLogins log in beside stormReaders of the feed, who should not notice.
	stormLogins, stormReaders = 64, 8
	// saturated is the part of an offered load that must be answered for the next step to be tried.
	saturated = 0.8
	// drainPublishers publish a backlog side by side; each waits for the broker's confirm.
	drainPublishers = 512
	// writer is the process that stores likes and comments, where it is one of its own.
	writer = "interaction"
)

// session is one deployment with its data, under measurement.
type session struct {
	options
	t    testing.TB
	d    *harness.Deployment
	gen  *generator
	name string
	// changed means that a scenario has written since the lists of the data set were read.
	changed   bool
	floorProc *floorProcess
	results   []result
}

// open starts a deployment on its own data set. programs is the folder of its programs, beside the name of a second one.
func open(t testing.TB, o options, deployment, programs, beside string) *session {
	t.Helper()
	s := &session{options: o, t: t, name: deployment}
	began := time.Now()
	programs, err := filepath.Abs(programs)
	check(t, err)
	dir, admin := filepath.Join(t.TempDir(), "data"), harness.FreePort(t)
	opts := []harness.Option{
		harness.Programs(programs), harness.Dir(dir), harness.Set("limits.driver", "off"), harness.Set("telemetry.log_level", "warn"),
		harness.Set("media.ffmpeg", ""), harness.Set("gateway.max_conns", maxConns),
	}
	kept := ""
	switch deployment {
	case harness.NameAllInOne:
		if o.data != "" {
			kept = filepath.Join(o.data, fmt.Sprintf("scale-%g-%d", o.scale, o.videos))
		}
		if _, err := os.Stat(kept); err == nil {
			check(t, os.CopyFS(dir, os.DirFS(kept)))
		}
		s.d = harness.AllInOneProcess(t, append(opts, harness.Set("telemetry.admin_addr", admin))...)
	case harness.NameDistributed:
		if beside != "" {
			opts = append(opts, harness.Beside(beside))
		}
		s.d = harness.Distributed(t, opts...)
	default:
		t.Fatalf("no deployment %q, there are %s and %s", deployment, harness.NameAllInOne, harness.NameDistributed)
	}
	if _, err := os.Stat(kept); kept == "" || err != nil {
		s.d.Stop(t)
		shape := dataset.NewShape(o.scale)
		if o.videos > 0 {
			shape = shape.WithVideos(o.videos)
		}
		dataset.Load(t, s.d.Config, shape)
		if kept != "" {
			check(t, errors.Join(os.CopyFS(kept+".part", os.DirFS(dir)), os.Rename(kept+".part", kept)))
		}
		s.d.Start(t)
	}
	s.gen = &generator{addr: addrOf(s.d), data: dataset.Read(t, s.d.Config, o.active), next: map[string]uint64{}}
	fmt.Printf("%s is there with a data set of scale %g after %.0f s; metrics and profiles: %v\n",
		deployment, o.scale, time.Since(began).Seconds(), s.d.Metrics())
	s.catchUp()
	s.rest()
	return s
}

// addrOf is where the gateway of a deployment answers, host:port on loopback.
func addrOf(d *harness.Deployment) string { return strings.TrimPrefix(d.URL(), "http://") }

// rest reads what the processes hold when nobody asks for anything.
func (s *session) rest() {
	first := s.sample(0)
	harness.Until(s.t.Context(), time.Now().Add(restTime))
	r := result{scenario: atRest, about: "nobody asks for anything", deployment: s.name}
	r.between(first, s.sample(0))
	s.keep(r)
}

func (s *session) keep(r result) {
	r.print(os.Stdout)
	s.results = append(s.results, r)
}

// sample is what has been answered and used so far.
func (s *session) sample(answered int64) sample {
	pids := s.d.PIDs(s.t)
	pids[generatorName] = os.Getpid()
	return sample{answered, harness.TakeSample(pids)}
}

// run measures what a name stands for.
func (s *session) run(name string) {
	switch name {
	case drain:
		s.drain(false)
		s.drain(true)
	case latency:
		s.latency()
	case found:
		s.found()
	case loginStorm:
		s.loginStorm()
	case events:
		s.streams()
	case replicas:
		s.replicas()
	case capacity:
		s.capacity()
	default:
		sc, _ := scenarioNamed(name)
		s.scenario(sc, plan{conns: s.conns[0], rate: s.rate, warmup: s.warmup, duration: s.duration})
	}
}

// scenario runs one scenario, and recounts what it wrote.
func (s *session) scenario(sc scenario, p plan) {
	if p.conns == 0 {
		p.conns = sc.conns
	}
	if s.changed {
		s.gen.data.ReadLists(s.t, s.d.Config)
		s.changed = false
	}
	if sc.of != nil && len(sc.of(s.gen.data)) == 0 || len(s.gen.data.Chats) == 0 {
		s.t.Fatalf("%s: the data set has no lists of the length that is asked for", sc.name)
	}
	s.settleDown(sc, p)
	r := s.measure(sc, p)
	if s.options.floors {
		r.floors = s.floors(sc, p)
	}
	s.keep(r)
	if sc.writes {
		s.audit()
	}
}

// settleDown makes the load of a scenario until it gets no faster, for at most as long as the flag says.
func (s *session) settleDown(sc scenario, p plan) {
	p.rate, p.warmup, p.duration = 0, 0, settleSlice
	best, steady := int64(0), 0
	for began := time.Now(); steady < steadySlices && time.Since(began) < s.settle; {
		t, err := s.gen.run(s.t.Context(), p, sc, func(int64) {})
		check(s.t, err)
		steady++
		if n := t.count[accepted]; float64(n) > faster*float64(best) {
			best, steady = n, 0
		}
	}
}

// measure runs one scenario by a plan.
func (s *session) measure(sc scenario, p plan) result {
	r := result{scenario: sc.name, about: sc.about, deployment: s.name, plan: p}
	var samples []sample
	t, err := s.gen.run(s.t.Context(), p, sc, func(answered int64) { samples = append(samples, s.sample(answered)) })
	check(s.t, err)
	r.tally = t
	r.between(samples[0], samples[1])
	return r
}

// audit waits until everything accepted is stored and recounts all counters: figures of wrong data are worth nothing.
func (s *session) audit() {
	s.changed = true
	if !s.options.audit { // what was accepted is stored and told meanwhile
		harness.Until(s.t.Context(), time.Now().Add(unaudited))
		return
	}
	harness.Eventually(s.t, emptyTimeout, func() error { return s.d.Recount(s.t.Context()) })
}

// latency raises the offered load of likes of one video, in steps, until the deployment does not keep up.
func (s *session) latency() {
	sc, _ := scenarioNamed("like-hot")
	for _, rate := range s.steps {
		r := s.measure(sc, plan{conns: sc.conns, rate: rate, warmup: s.warmup, duration: s.duration})
		r.scenario = latency
		s.keep(r)
		if r.rate < saturated*rate {
			break
		}
	}
	s.audit()
}

// loginStorm measures the feed of a few readers alone, and then while many others log in.
func (s *session) loginStorm() {
	feed, _ := scenarioNamed("feed-auth")
	login, _ := scenarioNamed("login")
	p := plan{conns: stormReaders, warmup: s.warmup, duration: s.duration}
	alone := s.measure(feed, p)
	crowd := p
	crowd.conns = stormLogins
	var logins tally
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		g := generator{addr: s.gen.addr, data: s.gen.data, next: map[string]uint64{}}
		logins, err = g.run(s.t.Context(), crowd, login, func(int64) {})
	})
	beside := s.measure(feed, p)
	wg.Wait()
	check(s.t, err)
	alone.scenario, alone.about = loginStorm+": before", "the feed, nobody logs in"
	beside.scenario, beside.about = loginStorm+": during", fmt.Sprintf("the feed, while %d connections log in", stormLogins)
	s.keep(alone)
	s.keep(beside)
	s.keep(result{
		scenario: loginStorm + ": logins", about: "the logins meanwhile", deployment: s.name, plan: crowd, tally: logins,
		seconds: p.duration.Seconds(), rate: float64(logins.count[accepted]) / p.duration.Seconds(),
	})
}

// drain measures how fast the writer stores a backlog: it is killed, events are put into its queue as it would do it, and
// it is started again.
func (s *session) drain(hot bool) {
	if s.name != harness.NameDistributed {
		fmt.Printf("\ndrain: %s has no backlog that we may make\n", s.name)
		return
	}
	r := result{scenario: drain + "-spread", about: fmt.Sprintf("a backlog of %d likes of videos all over", s.events), deployment: s.name}
	if hot {
		r.scenario, r.about = drain+"-hot", fmt.Sprintf("a backlog of %d likes of one video", s.events)
	}
	s.d.Kill(s.t, writer)
	s.backlog(hot)
	s.d.Revive(s.t, writer)
	applied := func() (n int64) {
		for _, v := range s.d.CounterOf(s.t, writer, "tiktok_queue_applied_total") {
			n += int64(v)
		}
		return n
	}
	// The clock starts at the last look that saw nothing applied, and stops at the first that sees everything applied.
	first := s.sample(0)
	harness.Eventually(s.t, 10*time.Minute, func() error {
		n := applied()
		if n == 0 {
			first = s.sample(0)
		}
		if n < int64(s.events) {
			return fmt.Errorf("%d of %d events are applied", n, s.events)
		}
		return nil
	})
	r.between(first, s.sample(int64(s.events)))
	s.keep(r)
	s.audit()
}

// backlog publishes events that nobody consumes yet.
func (s *session) backlog(hot bool) {
	cfg := s.d.Config.Queue
	cfg.AppliedWait = -1 // nobody is there to apply them
	q, err := queue.Open[mq.Event](s.t.Context(), cfg, writer, nil)
	check(s.t, err)
	harness.Eventually(s.t, emptyTimeout, func() error { return q.Ping(s.t.Context()) })
	ids := id.New(1) // no replica takes this node: they take the greatest, and the all-in-one is 0
	var next atomic.Uint64
	errs := make([]error, drainPublishers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for n := next.Add(1) - 1; n < uint64(s.events) && errs[i] == nil; n = next.Add(1) - 1 {
				_, errs[i] = q.Publish(s.t.Context(), s.like(idtest.Next(ids), n, hot))
			}
		})
	}
	wg.Wait()
	check(s.t, errors.Join(append(errs, q.Close())...))
}

// like is the n-th event of a backlog.
func (s *session) like(eventID int64, n uint64, hot bool) mq.Event {
	d := s.gen.data
	user, turn, action := pair(n, uint64(len(d.Users)))
	v := d.Videos[0]
	if !hot {
		v = d.Videos[elsewhere(user, turn, uint64(len(d.Videos)))]
	}
	return mq.Event{
		V: mq.Version, ID: eventID, AtMs: id.Time(eventID).UnixMilli(), UserID: d.Users[user].ID, VideoID: v.ID, AuthorID: v.Author,
		Favorite: &mq.FavoriteEvent{Liked: action == 1},
	}
}
