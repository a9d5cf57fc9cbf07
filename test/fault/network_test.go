package fault_test

import (
	"errors"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"tiktok/test/harness"
)

// network is the way of all processes to the servers.
type network struct{ mysql, redis, rabbitmq *proxy }

func (n *network) cut() {
	n.mysql.cut()
	n.redis.cut()
	n.rabbitmq.cut()
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
		mysql: newProxy(t, dsn.Addr), redis: newProxy(t, os.Getenv("TIKTOK_TEST_REDIS")), rabbitmq: newProxy(t, broker.Host),
	}
	dsn.Addr, broker.Host = n.mysql.addr, n.rabbitmq.addr
	t.Setenv("TIKTOK_TEST_MYSQL", dsn.FormatDSN())
	t.Setenv("TIKTOK_TEST_REDIS", n.redis.addr)
	t.Setenv("TIKTOK_TEST_RABBITMQ", broker.String())
	return n
}

// TestNetwork runs the six processes on a network that breaks.
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
		n.rabbitmq.holdWhen(acknowledges)
		t.Cleanup(func() { n.rabbitmq.holdWhen(nil) })
		harness.Eventually(t, stormy, func() error {
			if n.rabbitmq.holds() == 0 {
				return errors.New("no acknowledgement was held back")
			}
			return nil
		})
		events := s.acked[likes].Load() + s.acked[comments].Load()
		s.more(t, before, stormy)
		events = s.acked[likes].Load() + s.acked[comments].Load() - events
		d.Kill(t, interaction)
		n.rabbitmq.holdWhen(nil)
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
	n.rabbitmq.freeze()
	t.Cleanup(n.rabbitmq.thaw)
	s.watch()
	feeds := during(t.Context(), outage(), func() { probe(t, d) })
	took := s.slowestWrite()
	t.Logf("%d feeds meanwhile, the slowest write took %v", feeds, took)
	n.rabbitmq.thaw()
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
	n.redis.freeze()
	t.Cleanup(n.redis.thaw)
	var slowest time.Duration
	feeds := during(t.Context(), outage()/2, func() {
		began := time.Now()
		s.author.Feed(t, 0)
		slowest = max(slowest, time.Since(began))
	})
	t.Logf("%d feeds meanwhile, the slowest took %v", feeds, slowest.Round(time.Millisecond))
	s.more(t, before, stormy)
	n.redis.thaw()
	t.Logf("healed after %v", s.heals(t, heal))
	s.verify(t)
	s.answered(t)
}
