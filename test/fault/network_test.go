package fault_test

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"tiktok/pkg/nettest"
	"tiktok/test/harness"
)

// network is the way of all processes to the servers.
type network struct{ mysql, redis, rabbitmq *nettest.Proxy }

func (n *network) cut() {
	n.mysql.Cut()
	n.redis.Cut()
	n.rabbitmq.Cut()
}

// holdAcks keeps the acknowledgements of consumers from RabbitMQ until release is called, those held back for good. held
// is the number of connections that wait.
func (n *network) holdAcks(t *testing.T) (held *atomic.Int64, release func()) {
	held, never := new(atomic.Int64), make(chan struct{})
	n.rabbitmq.Gate(func(up bool, data []byte) <-chan struct{} {
		// basic.ack is method 80 of class 60. Events are JSON, which has no zeros.
		if !up || !bytes.Contains(data, []byte{0, 60, 0, 80}) {
			return nil
		}
		held.Add(1)
		return never // only the end of the connection helps
	})
	release = func() { n.rabbitmq.Gate(nil) }
	t.Cleanup(release)
	return held, release
}

// newNetwork puts a proxy before each server for what the test starts from now on.
func newNetwork(t *testing.T) *network {
	t.Helper()
	dsn, err := mysql.ParseDSN(os.Getenv("TIKTOK_TEST_MYSQL"))
	broker, uerr := url.Parse(os.Getenv("TIKTOK_TEST_RABBITMQ"))
	if err = errors.Join(err, uerr); err != nil {
		t.Fatal(err)
	}
	n := &network{
		mysql: nettest.NewProxy(t, dsn.Addr, nil), redis: nettest.NewProxy(t, os.Getenv("TIKTOK_TEST_REDIS"), nil),
		rabbitmq: nettest.NewProxy(t, broker.Host, nil),
	}
	dsn.Addr, broker.Host = n.mysql.Addr, n.rabbitmq.Addr
	t.Setenv("TIKTOK_TEST_MYSQL", dsn.FormatDSN())
	t.Setenv("TIKTOK_TEST_REDIS", n.redis.Addr)
	t.Setenv("TIKTOK_TEST_RABBITMQ", broker.String())
	return n
}

// TestNetwork runs the eight processes on a network that breaks.
func TestNetwork(t *testing.T) {
	guard(t)
	n := newNetwork(t)
	d := harness.Distributed(t, harness.WithoutLimits())
	for _, s := range []struct {
		name string
		run  func(t *testing.T, d *harness.Deployment, n *network)
	}{
		{"the writer dies between commit and acknowledgement", testBeforeAck},
		{"all connections are cut", testCut},
		{"RabbitMQ does not answer", testRabbitHangs},
		{"Redis does not answer", testRedisHangs},
	} {
		if !t.Run(s.name, func(t *testing.T) { s.run(t, d, n) }) {
			harness.Eventually(t, time.Minute, func() error { return d.Ready(t.Context()) }) // for the next one
		}
	}
}

// testBeforeAck: the broker never hears that events are committed, and hands them out again.
func testBeforeAck(t *testing.T, d *harness.Deployment, n *network) {
	s := newStorm(t, d)
	for range rounds() {
		s.more(t, before/4, stormy)
		held, release := n.holdAcks(t)
		harness.Eventually(t, stormy, func() error {
			if held.Load() == 0 {
				return errors.New("no acknowledgement was held back")
			}
			return nil
		})
		events := s.acked[likes].Load() + s.acked[comments].Load()
		s.more(t, before, stormy)
		events = s.acked[likes].Load() + s.acked[comments].Load() - events
		d.Kill(t, interaction)
		release()
		d.Revive(t, interaction)
		t.Logf("killed with about %d events committed and not acknowledged; healed %v after it was ready again", events, s.heals(t, heal))
	}
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

func testCut(t *testing.T, d *harness.Deployment, n *network) {
	s := newStorm(t, d)
	for range 2 * rounds() {
		s.more(t, before/4, stormy)
		n.cut()
		t.Logf("healed after %v", s.heals(t, heal))
	}
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

func testRabbitHangs(t *testing.T, d *harness.Deployment, n *network) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	n.rabbitmq.Freeze()
	t.Cleanup(n.rabbitmq.Thaw)
	s.watch()
	feeds := during(t.Context(), outage(), func() { probe(t, d) })
	took := s.slowestWrite()
	t.Logf("%d feeds meanwhile, the slowest write took %v", feeds, took)
	n.rabbitmq.Thaw()
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
	if took > writesGiveUp {
		t.Errorf("a write took %v while RabbitMQ hung", took)
	}
}

// testRedisHangs: when Redis answers again it has the old values.
func testRedisHangs(t *testing.T, d *harness.Deployment, n *network) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	s.compare(t) // reads everything, so that it is cached
	n.redis.Freeze()
	t.Cleanup(n.redis.Thaw)
	var slowest time.Duration
	feeds := during(t.Context(), outage()/2, func() {
		began := time.Now()
		s.author.Feed(t, 0)
		slowest = max(slowest, time.Since(began))
	})
	t.Logf("%d feeds meanwhile, the slowest took %v", feeds, slowest.Round(time.Millisecond))
	s.more(t, before, stormy)
	n.redis.Thaw()
	t.Logf("healed after %v", s.heals(t, heal))
	s.verify(t)
	s.answered(t)
}
