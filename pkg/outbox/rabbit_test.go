package outbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"gorm.io/gorm"

	"tiktok/pkg/nettest"
	"tiktok/pkg/outbox"
	"tiktok/pkg/outbox/outboxtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

const topic = "test.topic"

// oneConsumer is a system with one consumer, which does not rest.
func oneConsumer() []outbox.Consumer {
	return []outbox.Consumer{{Name: "first", Topics: []string{topic}, Rest: -1}}
}

// proxied is the same broker behind a proxy.
func proxied(t *testing.T, cfg queue.Config) (queue.Config, *nettest.Proxy) {
	t.Helper()
	u, err := url.Parse(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := nettest.NewProxy(t, u.Host, nil)
	u.Host = p.Addr
	cfg.URL = u.String()
	return cfg, p
}

// background runs fn until the test ends, or until stop.
func background(t *testing.T, fn func(ctx context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fn(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: waited in vain", what)
		}
		<-tick.C
	}
}

// numbers is a consumer that knows which numbers came.
type numbers struct {
	mu    sync.Mutex
	seen  map[int]int
	order []int
}

func (n *numbers) apply(_ context.Context, messages []outbox.Message) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range messages {
		var i int
		if err := json.Unmarshal(m.Body, &i); err != nil {
			return fmt.Errorf("%w: %w", outbox.ErrPoison, err)
		}
		n.seen[i]++
		n.order = append(n.order, i)
	}
	return nil
}

func (n *numbers) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.seen)
}

// commit writes the numbers from..to, one message each, in one transaction.
func commit(t testing.TB, db *sqldb.DB, from, to int) {
	t.Helper()
	var messages []outbox.Message
	for i := from; i <= to; i++ {
		messages = append(messages, outbox.Message{Topic: topic, AtMs: time.Now().UnixMilli(), Body: fmt.Appendf(nil, "%d", i)})
	}
	if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return outbox.Add(tx, messages...) }); err != nil {
		t.Fatal(err)
	}
}

// While the broker is away for long, writers notice nothing, and thousands of messages pile up; all arrive when it is back, in order.
func TestBrokerAway(t *testing.T) {
	const n, each = 6000, 200
	cfg := rabbitConfig(t)
	behind, proxy := proxied(t, cfg)
	db := sqldbtest.MySQL(t, "outbox", outboxtest.Migrations())
	relay := outbox.NewRelay(db, openBus(t, behind, oneConsumer()), "test", telemetry.Discard())
	background(t, relay.Run)
	got := numbers{seen: map[int]int{}}
	consuming := openBus(t, behind, oneConsumer())
	background(t, func(ctx context.Context) error { return consuming.Consume(ctx, "first", got.apply) })
	commit(t, db, 1, each)
	relay.Wake()
	eventually(t, "the first", func() bool { return got.count() == each })

	proxy.Refuse()
	for from := each + 1; from <= n; from += each {
		began := time.Now()
		commit(t, db, from, from+each-1)
		relay.Wake()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a writer took %v", took)
		}
		if from == n/2+1 { // it comes and goes
			proxy.Accept()
			eventually(t, "some", func() bool { return got.count() > each })
			proxy.Cut()
			proxy.Refuse()
		}
	}
	if outboxtest.Waiting(t, db) == 0 {
		t.Error("nothing waits")
	}
	proxy.Accept()
	began := time.Now()
	eventually(t, "all", func() bool { return got.count() == n })
	eventually(t, "an empty outbox", func() bool { return outboxtest.Waiting(t, db) == 0 })
	t.Logf("%d arrived, %d of them more than once, %v after the broker was back", n, len(got.order)-n, time.Since(began))
	last := 0
	for _, i := range got.order {
		if got.seen[i] == 1 && i < last {
			t.Fatalf("%d came once, after %d", i, last)
		}
		last = max(last, i)
	}
}

// A broker that hangs with half of what was sent is given up and asked again.
func TestBrokerHangs(t *testing.T) {
	cfg := rabbitConfig(t)
	behind, proxy := proxied(t, cfg)
	db := sqldbtest.SQLite(t, "outbox", outboxtest.Migrations())
	relay := outbox.NewRelay(db, openBus(t, behind, oneConsumer()), "test", telemetry.Discard())
	background(t, relay.Run)
	got := numbers{seen: map[int]int{}}
	consuming := openBus(t, cfg, oneConsumer())
	background(t, func(ctx context.Context) error { return consuming.Consume(ctx, "first", got.apply) })
	commit(t, db, 1, 10)
	relay.Wake()
	eventually(t, "the first", func() bool { return got.count() == 10 })
	proxy.Freeze()
	commit(t, db, 11, 20)
	relay.Wake()
	eventually(t, "a new connection", func() bool { return proxy.Connections() > 1 }) // after three heartbeats
	proxy.Thaw()
	eventually(t, "all", func() bool { return got.count() == 20 })
	eventually(t, "an empty outbox", func() bool { return outboxtest.Waiting(t, db) == 0 })
}

// What has come while a consumer was busy is applied together, however many batches it came in.
func TestWaitingIsAppliedTogether(t *testing.T) {
	const n = 100
	cfg := rabbitConfig(t)
	bus := openBus(t, cfg, oneConsumer())
	publish := func(i int) {
		m := outbox.Message{Seq: int64(i), Topic: topic, AtMs: time.Now().UnixMilli(), Body: fmt.Appendf(nil, "%d", i)}
		if err := bus.Publish(t.Context(), []outbox.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "ping", func() bool { return bus.Ping(t.Context()) == nil })
	got := numbers{seen: map[int]int{}}
	busy, calls := make(chan struct{}), make(chan int, n+1)
	background(t, func(ctx context.Context) error {
		return bus.Consume(ctx, "first", func(ctx context.Context, messages []outbox.Message) error {
			calls <- len(messages)
			<-busy
			return got.apply(ctx, messages)
		})
	})
	publish(0)
	<-calls // it is being applied
	for i := 1; i <= n; i++ {
		publish(i)
	}
	conn, err := amqp.Dial(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all at the consumer", func() bool {
		q, err := ch.QueueDeclarePassive(cfg.Prefix+".events.first", true, false, false, false, nil)
		return err == nil && q.Messages == 0
	})
	close(busy)
	eventually(t, "all", func() bool { return got.count() == n+1 })
	if len(calls) > 3 { // the last ones may have been on their way still
		t.Errorf("%d messages that waited were applied in %d calls", n, len(calls))
	}
}

// A queue that somebody deletes is noticed by what the broker cannot route, and made again: nothing that comes later is lost.
func TestQueueDeleted(t *testing.T) {
	cfg := rabbitConfig(t)
	cfg.Type = queue.TypeClassic
	bus := openBus(t, cfg, oneConsumer())
	eventually(t, "ping", func() bool { return bus.Ping(t.Context()) == nil })
	conn, err := amqp.Dial(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDelete(cfg.Prefix+".events.first", false, false, false); err != nil {
		t.Fatal(err)
	}
	many := make([]outbox.Message, 5000) // more than may be unconfirmed
	for i := range many {
		many[i] = outbox.Message{Seq: int64(i + 1), Topic: topic, Body: fmt.Appendf(nil, "%d", i)}
	}
	if err := bus.Publish(t.Context(), many); err == nil {
		t.Fatal("messages without a queue were taken")
	}
	eventually(t, "publishing", func() bool { return bus.Publish(t.Context(), many) == nil })
	got := numbers{seen: map[int]int{}}
	background(t, func(ctx context.Context) error { return bus.Consume(ctx, "first", got.apply) })
	eventually(t, "all", func() bool { return got.count() == len(many) })
}

// A message that the broker closes the channel for, as it does with one that is larger than its max_message_size, goes to the dead
// letters of its schema, and the others arrive.
func TestTooLargeForTheBroker(t *testing.T) {
	cfg := rabbitConfig(t)
	db := sqldbtest.SQLite(t, "outbox", outboxtest.Migrations())
	commit(t, db, 1, 40)
	behind, proxy := proxied(t, cfg)
	refusal := []byte{0, 20, 0, 40, 406 >> 8, 406 & 0xff, 9}        // channel.close
	refusal = append(append(refusal, "too large"...), 0, 60, 0, 40) // for basic.publish
	frame := append([]byte{1, 0, 1, 0, 0, 0, byte(len(refusal))}, refusal...)
	proxy.Gate(func(up bool, data []byte) <-chan struct{} {
		if !up || !bytes.Contains(data, []byte(`"seq":33,`)) {
			return nil
		}
		go func() {
			if err := proxy.Inject(append(frame, 0xCE)); err != nil {
				t.Log(err) // it reconnects already
			}
		}()
		return make(chan struct{}) // the broker gets none of it
	})
	bus := openBus(t, behind, oneConsumer())
	background(t, outbox.NewRelay(db, bus, "test", telemetry.Discard()).Run)
	got, consuming := numbers{seen: map[int]int{}}, openBus(t, cfg, oneConsumer())
	background(t, func(ctx context.Context) error { return consuming.Consume(ctx, "first", got.apply) })
	eventually(t, "an empty outbox", func() bool { return outboxtest.Waiting(t, db) == 0 })
	eventually(t, "all others", func() bool { return got.count() == 39 })
	n, err := outbox.NewDeadLetters(db, outbox.BusItself).List(t.Context(), 0, func(l queue.DeadLetter) error {
		if !strings.Contains(string(l.Events[0]), `"body":33`) || !strings.Contains(l.Reason, "too large") {
			t.Errorf("dead: %s, because %s", l.Events[0], l.Reason)
		}
		return nil
	})
	if n != 1 || err != nil {
		t.Errorf("%d dead letters, %v", n, err)
	}
}

// Of two processes that consume in one name, one gets messages at a time, in order, and the other goes on when that ends.
func TestOneActiveConsumer(t *testing.T) {
	cfg := rabbitConfig(t)
	got := numbers{seen: map[int]int{}}
	var stops []func()
	for range 2 {
		bus := openBus(t, cfg, oneConsumer())
		stops = append(stops, background(t, func(ctx context.Context) error { return bus.Consume(ctx, "first", got.apply) }))
	}
	from := openBus(t, cfg, oneConsumer())
	eventually(t, "ping", func() bool { return from.Ping(t.Context()) == nil })
	for i := range 200 {
		m := outbox.Message{Seq: int64(i + 1), Topic: topic, Body: fmt.Appendf(nil, "%d", i)}
		eventually(t, "publishing", func() bool { return from.Publish(t.Context(), []outbox.Message{m}) == nil })
		if i == 100 {
			stops[0]()
		}
	}
	eventually(t, "all", func() bool { return got.count() == 200 })
	last := -1
	for _, i := range got.order {
		if got.seen[i] == 1 && i < last { // what the first one had in hand may come again
			t.Fatalf("%d came after %d", i, last)
		}
		last = max(last, i)
	}
}

// A consumer that hangs loses its turn to another process within eight seconds, which gets all that it did not acknowledge, in order.
func TestConsumerHangs(t *testing.T) {
	const n = 20
	cfg := rabbitConfig(t)
	behind, proxy := proxied(t, cfg)
	entered, resume := make(chan struct{}), make(chan struct{})
	first := openBus(t, behind, oneConsumer())
	eventually(t, "ping", func() bool { return first.Ping(t.Context()) == nil })
	background(t, func(ctx context.Context) error {
		return first.Consume(ctx, "first", func(context.Context, []outbox.Message) error {
			select {
			case <-entered:
			default:
				close(entered)
			}
			<-resume
			return nil
		})
	})
	t.Cleanup(func() { close(resume) }) // before it is waited for
	second := openBus(t, cfg, oneConsumer())
	eventually(t, "ping", func() bool { return second.Ping(t.Context()) == nil })
	for i := 1; i <= n; i++ {
		m := outbox.Message{Seq: int64(i), Topic: topic, AtMs: time.Now().UnixMilli(), Body: fmt.Appendf(nil, "%d", i)}
		if err := second.Publish(t.Context(), []outbox.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	<-entered // it has all, or is about to
	got := numbers{seen: map[int]int{}}
	background(t, func(ctx context.Context) error { return second.Consume(ctx, "first", got.apply) })
	proxy.Freeze()
	began := time.Now()
	eventually(t, "all at the other process", func() bool { return got.count() == n })
	took := time.Since(began)
	t.Logf("the other process has all after %v", took)
	if took > 8*time.Second {
		t.Errorf("took %v, want at most 8 s", took)
	}
	if !slices.IsSorted(got.order) {
		t.Errorf("they came as %v", got.order)
	}
	proxy.Thaw()
}
