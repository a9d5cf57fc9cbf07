package watch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// heldQueue accepts everything and delivers nothing by itself: the longest backlog there is.
type heldQueue struct {
	mu   sync.Mutex
	held []mq.Event
}

func (q *heldQueue) Publish(_ context.Context, e mq.Event) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = append(q.held, e)
	return false, nil
}

func (q *heldQueue) Consume(ctx context.Context, _ func(context.Context, []mq.Event) error) error {
	<-ctx.Done()
	return nil
}

func (q *heldQueue) Ping(context.Context) error { return nil }
func (q *heldQueue) Close() error               { return nil }

// take removes up to n of the held events at random, in a random order.
func (q *heldQueue) take(n int) []mq.Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	mrand.Shuffle(len(q.held), func(i, j int) { q.held[i], q.held[j] = q.held[j], q.held[i] })
	n = min(n, len(q.held))
	out := slices.Clone(q.held[:n])
	q.held = slices.Clone(q.held[n:])
	return out
}

// shared is a cache that two replicas use, as they use one Redis.
type shared struct{ kv.Store }

func (shared) Close() error { return nil }

// sharedLists is a Redis that two replicas use.
type sharedLists struct{ *kvtest.Prefixed }

func (sharedLists) Close() error { return nil }

// twoReplicas share a schema, a Redis and a queue that only delivers what the test takes from it.
type twoReplicas struct {
	a, b  *fixture
	queue *heldQueue
}

// onReplicas runs fn over every SQL dialect.
func onReplicas(t *testing.T, fn func(t *testing.T, r *twoReplicas)) {
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		// A busy machine is not what these tests are about: Redis may take its time.
		store, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		cache := sharedLists{kvtest.NewPrefixed(store, rand.Text()+":")}
		r, log := &twoReplicas{queue: &heldQueue{}}, slog.New(slog.NewTextHandler(t.Output(), nil))
		// One clock: what a user does within one millisecond through two replicas has no order of its own.
		ids := id.New(1)
		replica := func() *fixture {
			return newFixture(t, raw, func(d *Deps) {
				if err := d.Queue.Close(); err != nil {
					t.Fatal(err)
				}
				d.Cache, d.Queue, d.IDs, d.Pending = cache, r.queue, ids, Pending(cache, log)
			})
		}
		r.a, r.b = replica(), replica()
		fn(t, r)
	})
}

// deliver applies up to n of the held events, some of them twice, and reports whether there were any.
func (r *twoReplicas) deliver(t *testing.T, n int) bool {
	t.Helper()
	events := r.queue.take(n)
	if len(events) == 0 {
		return false
	}
	events = append(events, events[:mrand.IntN(len(events)+1)]...)
	if err := r.a.apply(context.WithoutCancel(t.Context()), events); err != nil {
		t.Errorf("apply: %v", err)
	}
	return true
}

// While nothing is stored, the user sees what they have watched through any replica, in the history and in what feeds leave out. The same
// is shown while the backlog is stored in any order, and after it.
func TestPending(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		const user = 101
		r.a.at(t, 0, user, Watch{VideoID: videoOf(1, 1), Session: "old", WatchedMs: 9000},
			Watch{VideoID: videoOf(1, 2), Session: "old", WatchedMs: 1})
		for _, f := range []*fixture{r.a, r.b} { // now cached
			f.seenBy(t, user)
		}
		var want []watched
		var ids []int64
		last := time.Now()
		add := func(f *fixture, w Watch, row watched) {
			t.Helper()
			last = last.Add(time.Millisecond) // what is told within one millisecond is in the order of the videos
			f.ids.Observe(id.At(last))
			f.tell(t, user, w)
			want = slices.DeleteFunc(want, func(o watched) bool { return o.Video == row.Video })
			want = slices.Insert(want, 0, row)
		}
		want = []watched{{videoOf(1, 2), 1, false}, {videoOf(1, 1), 9000, false}}
		for n := range int64(12) {
			add(r.a, Watch{VideoID: videoOf(2, n), Session: "a", WatchedMs: 100 * n}, watched{videoOf(2, n), 100 * n, false})
		}
		add(r.b, Watch{VideoID: videoOf(2, 3), Session: "b", WatchedMs: 7000, Finished: true}, watched{videoOf(2, 3), 7000, true})
		add(r.a, Watch{VideoID: videoOf(1, 1), Session: "new", WatchedMs: 10}, watched{videoOf(1, 1), 9000, false})
		for _, w := range want {
			ids = append(ids, w.Video)
		}
		slices.Sort(ids)
		check := func(when string) {
			t.Helper()
			for _, f := range []*fixture{r.a, r.b} {
				for _, size := range []int{1, 5, 100} {
					same(t, fmt.Sprintf("%s: history in pages of %d", when, size), want, f.historyOf(t, user, size))
				}
				same(t, when+": seen", ids, f.seenBy(t, user))
				same(t, when+": seen by others", []int64(nil), f.seenBy(t, 102))
			}
		}
		check("all pending")
		for r.deliver(t, 3) {
			check("some pending")
		}
		check("stored")
		same(t, "views", int64(1), r.b.viewsOf(t, videoOf(2, 3)))
		r.a.audited(t)
	})
}

// What is forgotten while it is pending does not come back when it is stored.
func TestForgetPending(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		one, two := videoOf(1, 1), videoOf(1, 2)
		r.a.tell(t, 101, Watch{VideoID: one, Session: "a", WatchedMs: 5000}, Watch{VideoID: two, Session: "a", WatchedMs: 5000})
		r.a.tell(t, 102, Watch{VideoID: one, Session: "a", WatchedMs: 5000})
		if err := r.b.Forget(t.Context(), 101, one); err != nil {
			t.Fatal(err)
		}
		if err := r.b.Forget(t.Context(), 102, 0); err != nil {
			t.Fatal(err)
		}
		check := func(when string) {
			t.Helper()
			same(t, when, []watched{{two, 5000, false}}, r.a.historyOf(t, 101, 10))
			same(t, when, []int64{two}, r.a.seenBy(t, 101))
			same(t, when, []watched{}, r.a.historyOf(t, 102, 10))
			same(t, when, []int64(nil), r.a.seenBy(t, 102))
		}
		check("pending")
		for r.deliver(t, 1) {
			check("being stored")
		}
		check("stored")
		same(t, "views", int64(2), r.b.viewsOf(t, one))
	})
}

// A user's list of pending events is bounded: then nothing more is accepted, until some is stored.
func TestPendingIsBounded(t *testing.T) {
	onReplicas(t, func(t *testing.T, r *twoReplicas) {
		accepted := 0
		var err error
		for err == nil && accepted < 200 {
			watches := make([]Watch, mq.MaxWatches)
			for n := range watches {
				watches[n] = Watch{VideoID: videoOf(1, int64(n)), Session: fmt.Sprint(accepted), WatchedMs: 5000}
			}
			if err = r.a.Add(t.Context(), 101, watches); err == nil {
				accepted++
			}
		}
		if !errors.Is(err, errno.Unavailable) || accepted < 20 {
			t.Fatalf("%d accepted, then %v", accepted, err)
		}
		r.a.tell(t, 102, Watch{VideoID: videoOf(1, 1), Session: "a", WatchedMs: 5000}) // others are not in the way
		for r.deliver(t, 50) {
			continue
		}
		stored := func() bool {
			return r.a.Add(t.Context(), 101, []Watch{{VideoID: videoOf(1, 1), Session: "after", WatchedMs: 5000}}) == nil
		}
		eventually(t, "room", stored)
	})
}

// Two replicas share a broker, a schema and a cache. Without backpressure what one of them has answered is what the other shows next, and
// after many at once through both of them everything is exact.
func TestReplicasOverRabbitMQ(t *testing.T) {
	url := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if url == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		store, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverMemory})
		if err != nil {
			t.Fatal(err)
		}
		name := "test.watches." + rand.Text() // nobody else's: tests of several packages may share the broker
		t.Cleanup(func() { drop(t, url, name) })
		replica := func(node int) *fixture {
			return newFixture(t, raw, func(d *Deps) {
				if err := d.Queue.Close(); err != nil {
					t.Fatal(err)
				}
				cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: url}
				if d.Queue, err = queue.Open[mq.Event](t.Context(), cfg, name, nil, queue.WithFallback()); err != nil {
					t.Fatal(err)
				}
				d.Cache, d.IDs = shared{store}, id.New(node)
			})
		}
		a, b := replica(1), replica(2)
		for _, f := range []*fixture{a, b} {
			eventually(t, "the broker", func() bool { return f.queue.Ping(t.Context()) == nil })
		}
		v := videoOf(7, 1)
		for n := range 10 {
			a.tell(t, 101, Watch{VideoID: v, Session: fmt.Sprint(n), WatchedMs: 5000})
			same(t, "told here, read there", int64(n+1), b.viewsOf(t, v))
		}
		same(t, "seen", []int64{v}, b.seenBy(t, 101))
		l := newLedger()
		for n := range 10 {
			l.note(101, []Watch{{VideoID: v, Session: fmt.Sprint(n), WatchedMs: 5000}})
		}
		var wg sync.WaitGroup
		for user := int64(201); user < 231; user++ {
			r := mrand.New(mrand.NewPCG(7, uint64(user)))
			wg.Go(func() {
				for range 10 {
					watches := randomWatches(t, r)
					a.tell(t, user, watches...)
					b.tell(t, user, watches...)
					l.note(user, watches)
				}
			})
		}
		wg.Wait()
		l.check(t, a)
	})
}

// Without a broker what is told is stored by this process before it is answered.
func TestBrokerAway(t *testing.T) {
	sqldbtest.Each(t, schema, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		f := newFixture(t, raw, func(d *Deps) {
			if err := d.Queue.Close(); err != nil {
				t.Fatal(err)
			}
			cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: "amqp://guest:guest@127.0.0.1:1/"}
			var err error
			if d.Queue, err = queue.Open[mq.Event](t.Context(), cfg, mq.Watches, nil, queue.WithFallback()); err != nil {
				t.Fatal(err)
			}
		})
		v := videoOf(7, 1)
		f.tell(t, 101, Watch{VideoID: v, Session: "a", WatchedMs: 5000})
		same(t, "views", int64(1), f.viewsOf(t, v))
		same(t, "seen", []int64{v}, f.seenBy(t, 101))
	})
}

// drop deletes a test's queues from the broker. Nothing may be left in the one of dead letters.
func drop(t *testing.T, url, name string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"tiktok." + name, "tiktok." + name + ".dead"} {
		left, err := ch.QueueDelete(q, false, false, false)
		if err != nil {
			t.Errorf("delete queue %s: %v", q, err)
		}
		if left != 0 {
			t.Errorf("%d events are left in %s", left, q)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-retry.C:
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		}
	}
}
