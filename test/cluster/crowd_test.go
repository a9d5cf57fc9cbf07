package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/test/harness"
)

const (
	// rate is how many requests are sent in a second, over all users.
	rate = 50
	// users is how many there are. Each does one thing at a time; so many that the rate holds while half of the requests hang.
	users = 100
	// hotVideos is how many videos the users of one scene like and comment on.
	hotVideos = 6
	// registrars is how many register at once: a password hash takes a processor.
	registrars = 4
	// keyed tells whether the product knows a repeated request by its Idempotency-Key.
	keyed = true
)

// crowd are users who write at one gateway, read at the other, and remember what they were told.
type crowd struct {
	b      *balancer
	people []*person
	clip   []byte
	names  atomic.Int64
	prefix string

	turns  chan struct{}
	missed atomic.Int64

	mu      sync.Mutex
	samples []sample // guarded by mu
}

// sample is one request of a client.
type sample struct {
	from            time.Time
	took            time.Duration
	kind, what      string
	failed, unknown bool
	again, wrong    bool
}

// person is one user.
type person struct {
	c    *crowd
	n    int
	id   int64
	name string
	// token of the login; home is the gateway where it writes.
	token string
	home  int
	rand  *rand.Rand
	// owes is how many requests it has sent out of its turn: what it reads at once after a write.
	owes int

	follows   map[int]*harness.Fate // by user
	sent      []note
	published []note
}

// note is a text that was sent once.
type note struct {
	text    string
	video   int // of the scene
	outcome harness.Outcome
}

// scene is what the users did from one fault to the next.
type scene struct {
	author   *person
	videos   []int64
	liked    [users][hotVideos]harness.Fate
	comments [users][]note
	accounts [users][]note
}

// newCrowd registers the users.
func newCrowd(t *testing.T, b *balancer) *crowd {
	t.Helper()
	c := &crowd{
		b: b, clip: harness.TestData(t, "tiny.mp4"), prefix: fmt.Sprintf("c%x", time.Now().UnixMilli()), turns: make(chan struct{}, rate/5),
		people: make([]*person, users),
	}
	harness.Parallel(t, registrars, func(t testing.TB, i int) {
		for ; i < users; i += registrars {
			c.people[i] = c.register(t, i)
		}
	})
	return c
}

func (c *crowd) register(t testing.TB, n int) *person {
	t.Helper()
	p := &person{
		c: c, n: n, name: fmt.Sprintf("%su%d", c.prefix, c.names.Add(1)), home: n % 2, follows: map[int]*harness.Fate{},
		rand: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(n))),
	}
	a := p.do(t.Context(), "register", write, harness.Request{
		Method: http.MethodPost, Path: harness.PathRegister, Query: harness.Params("username", p.name, "password", p.password()),
	})
	var got struct {
		UserID int64  `json:"user_id"`
		Token  string `json:"token"`
	}
	if err := json.Unmarshal(a.Raw, &got); err != nil || got.Token == "" {
		t.Fatalf("register: %v, %v: %.200s", err, a.err, a.Raw)
	}
	p.id, p.token = got.UserID, got.Token
	return p
}

func (p *person) password() string { return "pass-" + p.name }

// newScene makes videos that nobody has touched. Nobody is busy meanwhile.
func (c *crowd) newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{author: c.register(t, users)}
	for i := range hotVideos {
		title := fmt.Sprintf("%s %d", s.author.name, i)
		if a := s.author.upload(t.Context(), title); a.outcome != harness.Done {
			t.Fatalf("publish: %v %d %s", a.err, a.Code, a.Msg)
		}
	}
	list, err := s.author.videos(t.Context(), s.author.id)
	if err != nil || len(list) != hotVideos {
		t.Fatalf("%d videos are listed, want %d: %v", len(list), hotVideos, err)
	}
	for _, v := range list {
		s.videos = append(s.videos, v.ID)
	}
	return s
}

// run lets the users act until ctx ends, and returns what they have sent, once all have their answers.
func (c *crowd) run(ctx context.Context, s *scene) []sample {
	c.mu.Lock()
	c.samples = nil
	c.mu.Unlock()
	c.missed.Store(0)
	var wg sync.WaitGroup
	for _, p := range c.people {
		wg.Go(func() {
			for p.turn(ctx) {
				p.act(ctx, s)
			}
		})
	}
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			select {
			case c.turns <- struct{}{}:
			default:
				c.missed.Add(1) // everybody waits for an answer
			}
		case <-ctx.Done():
		}
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.samples
}

// turn waits until the next request may be sent.
func (p *person) turn(ctx context.Context) bool {
	for {
		select {
		case <-p.c.turns:
			if p.owes == 0 {
				return true
			}
			p.owes--
		case <-ctx.Done():
			p.owes = 0
			return false
		}
	}
}

// at is where a request goes, and whether it may be sent twice.
type at int

const (
	read  at = iota // at the other gateway
	state           // a write that may be repeated: the second one changes nothing
	write           // only with a key
)

// do sends a request and takes it down.
func (p *person) do(ctx context.Context, kind string, to at, r harness.Request) answer {
	gateway := p.home
	if to == read {
		gateway = 1 - p.home
	}
	if r.Query == nil {
		r.Query = harness.Params()
	}
	if p.token != "" {
		r.Query.Set("token", p.token)
	}
	if keyed && to == write {
		r.Header = http.Header{"Idempotency-Key": {fmt.Sprintf("%s-key-%d", p.c.prefix, p.c.names.Add(1))}}
	}
	// A user waits for the answer although the traffic ends.
	patience := tries
	if r.Body != nil {
		patience = uploads
	}
	send := func(ctx context.Context, base string) (harness.Answer, error) { return p.c.exchange(ctx, base, r) }
	a := p.c.b.do(context.WithoutCancel(ctx), gateway, patience, to != write || keyed, send)
	s := sample{
		from: a.from, took: a.took, kind: kind, failed: a.outcome != harness.Done, unknown: a.outcome == harness.Unknown, again: a.again,
	}
	if s.failed {
		s.what = fmt.Sprintf("%d %s %v", a.Code, a.Msg, bare(a.err))
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.c.samples = append(p.c.samples, s)
	return a
}

// bare is an error without the request that it is of.
func bare(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// exchange sends a request of either surface. What is not a success has a code.
func (c *crowd) exchange(ctx context.Context, base string, r harness.Request) (harness.Answer, error) {
	if r.Path[:7] == "/douyin" {
		return harness.Exchange(ctx, c.b.client, base, r)
	}
	query := maps.Clone(r.Query) // the request may be sent again
	query.Del("token")
	r.Query, r.Header = query, http.Header{"Authorization": {"Bearer " + r.Query.Get("token")}}
	a, err := harness.Send(ctx, c.b.client, base, r)
	if err == nil && a.Status != http.StatusOK {
		a.Code, a.Msg = int32(a.Status), fmt.Sprintf("%.200s", a.Raw) //nolint:gosec // a status
	}
	return a, err
}

// misread takes down that the last read did not show what its reader had written.
func (c *crowd) misread(a answer, kind, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples = append(c.samples, sample{from: a.from, took: a.took, kind: kind, wrong: true, what: fmt.Sprintf(format, args...)})
}
