// Package fault_test breaks things under load: processes are killed, servers stop and come back. Writers remember what
// they were told, and afterwards every acknowledged operation must be there, exactly once.
package fault_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/test/harness"
)

const (
	// before and after are how many operations are acknowledged before something breaks and after it has healed.
	before, after = 400, 600
	// stormy bounds the wait for them.
	stormy = 60 * time.Second
	// heal is how soon after a server's return everything works again.
	heal = 10 * time.Second
)

// interaction is the name of a process, of its schema and of its queue.
const interaction = "interaction"

// guard skips the test unless the servers are there to be broken.
func guard(t *testing.T) {
	t.Helper()
	if os.Getenv("TIKTOK_FAULT") != "1" {
		t.Skip("stops servers: run it with test/fault/run.sh, which brings its own")
	}
	if name := os.Getenv("TIKTOK_ENV_NAME"); name == "" || name == "dev" || name == "test" {
		t.Fatalf("the servers of the instance %q are not ours to stop", name)
	}
}

func long() bool { return os.Getenv("TIKTOK_FAULT_FORM") == "long" }

// outage is how long a server stays away.
func outage() time.Duration {
	if long() {
		return 30 * time.Second
	}
	return 8 * time.Second
}

// rounds is how often something is broken in one storm.
func rounds() int {
	if long() {
		return 5
	}
	return 2
}

// server runs a command of test/env.sh on one server: start, stop, restart, kill.
func server(t *testing.T, command, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	out, err := exec.CommandContext(ctx, filepath.Join(harness.RepoRoot(t), "test", "env.sh"), command, name).CombinedOutput()
	if err != nil {
		t.Fatalf("test/env.sh %s %s: %v\n%s", command, name, err, out)
	}
	t.Logf("%s %s took %v", command, name, time.Since(began).Round(10*time.Millisecond))
}

// away stops a server, runs during, and starts it again, also when the test fails meanwhile: others need it.
func away(t *testing.T, s *storm, name string, during func()) {
	t.Helper()
	server(t, "stop", name)
	back := false
	defer func() {
		if !back {
			server(t, "start", name)
		}
	}()
	during()
	s.lull(func() { server(t, "start", name) })
	back = true
}

// flush empties Redis altogether.
func flush(t *testing.T) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", os.Getenv("TIKTOK_TEST_REDIS"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("FLUSHALL\r\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || answer != "+OK\r\n" {
		t.Fatalf("FLUSHALL: %q, %v", answer, err)
	}
}

func TestDistributed(t *testing.T) {
	guard(t)
	d := harness.Distributed(t, harness.WithoutLimits())
	for _, s := range []struct {
		name string
		run  func(t *testing.T, d *harness.Deployment)
	}{
		{"interaction is killed", testKilled},
		{"RabbitMQ restarts", inLongForm(testRabbitRestart)}, // the short form has it away
		{"Redis is flushed", testFlush},
		{"MySQL is away", testMySQLAway},
		{"RabbitMQ is away", testRabbitAway},
		{"Redis is away", testRedisAway},
		{"interaction is away", testInteractionAway},
		{"interaction hangs", testInteractionHangs},
		{"discovery is away", testDiscoveryAway},
		{"discovery hangs", testDiscoveryHangs},
		{"discovery: its events come twice and late", testDiscoveryStorm},
		{"etcd is away", testEtcdAway},
		{"a long backlog", testBacklog},
		{"a storm without end", testBounded},
		{"one of two interaction replicas is killed", testReplica},
		{"every other process is killed", testEachKilled},
		{"notices: who tells and who is told is killed", testNotices},
		{"interaction is killed while Redis is flushed", testKilledAndFlushed},
		{"videos are deleted", testDeletions},
		{"all four at once", testTogether},
		{"two at once", inLongForm(testPairs)}, // the short form has all of them overlap
	} {
		if !t.Run(s.name, func(t *testing.T) { s.run(t, d) }) {
			harness.Eventually(t, time.Minute, func() error { return d.Ready(t.Context()) }) // for the next one
		}
	}
}

// TestAllInOne kills the whole product.
func TestAllInOne(t *testing.T) {
	guard(t)
	d := harness.AllInOneProcess(t, harness.WithoutLimits())
	t.Run("killed", func(t *testing.T) {
		s := newStorm(t, d)
		for range rounds() {
			s.more(t, before, stormy)
			d.Kill(t, config.AllInOne)
			d.Revive(t, config.AllInOne)
			t.Logf("healed %v after it was ready again", s.heals(t, heal))
		}
		s.more(t, after, stormy)
		s.verify(t)
	})
	t.Run("videos are deleted", func(t *testing.T) { testDeletionsOfOne(t, d) })
}

// inLongForm is a scenario that has to wait too long for the short form.
func inLongForm(run func(t *testing.T, d *harness.Deployment)) func(t *testing.T, d *harness.Deployment) {
	return func(t *testing.T, d *harness.Deployment) {
		if !long() {
			t.Skip("long form only: make fault FORM=long")
		}
		run(t, d)
	}
}

// testKilled kills the service in the middle of a storm, several times, and starts it again.
func testKilled(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	for range rounds() {
		s.more(t, before, stormy)
		d.Kill(t, interaction)
		d.Revive(t, interaction)
		t.Logf("healed %v after it was ready again", s.heals(t, heal))
	}
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

func testRabbitRestart(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	s.lull(func() { server(t, "restart", "rabbitmq") })
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

func testFlush(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	for range 5 * rounds() {
		s.more(t, before/4, stormy)
		flush(t)
	}
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
	if n := len(s.failures()); n != 0 {
		t.Errorf("failures: %v", s.failures())
	}
}

func testMySQLAway(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	away(t, s, "mysql", func() {
		n := during(t.Context(), outage(), func() { probe(t, d) })
		t.Logf("%d feeds asked for meanwhile", n)
	})
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

// probe asks for a page and fails the test when there is no answer at all. It may be an error.
func probe(t *testing.T, d *harness.Deployment) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := d.Visitor().Try(ctx, http.MethodGet, harness.PathFeed); err != nil {
		t.Errorf("feed: %v", err)
	}
}

// writesGiveUp is how long a write may take while its broker is away: 3 s, and what a timer is late on a full machine.
const writesGiveUp = 3*time.Second + 200*time.Millisecond

func testRabbitAway(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	away(t, s, "rabbitmq", func() {
		s.watch()
		s.more(t, after, stormy)
		during(t.Context(), outage()/2, func() { probe(t, d) })
	})
	took := s.slowestWrite()
	t.Logf("the slowest write without RabbitMQ took %v", took)
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
	if took > writesGiveUp {
		t.Errorf("a write took %v without RabbitMQ", took)
	}
}

func testRedisAway(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	away(t, s, "redis", func() {
		var slowest time.Duration
		timed := func(read func()) {
			began := time.Now()
			read()
			slowest = max(slowest, time.Since(began))
		}
		n := during(t.Context(), outage()/2, func() {
			// Each fails the test unless it is answered with success.
			timed(func() { s.author.Feed(t, 0) })
			timed(func() { s.author.Profile(t, s.all[0].ID) })
			timed(func() { s.author.Published(t, s.author.ID) })
			timed(func() { s.author.Comments(t, s.videos[0].ID) })
		})
		t.Logf("%d reads went on without Redis, the slowest took %v", 4*n, slowest.Round(time.Millisecond))
		learnsByReading(t, d)
		s.more(t, after, stormy)
	})
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

const (
	// feedWithout is how long a feed may take without a service of which it shows something: 1 s, and what a timer is late on a full
	// machine.
	feedWithout = time.Second + 200*time.Millisecond
	// firstWithout is how long the first feeds of somebody who is logged in wait for their own likes: 2.5 s, likewise.
	firstWithout = 2500*time.Millisecond + 200*time.Millisecond
)

// testInteractionAway: what nobody knows is shown as zero.
func testInteractionAway(t *testing.T, d *harness.Deployment) {
	withoutInteraction(t, d, outage()/2, d.Kill, d.Revive)
}

// testInteractionHangs: it keeps its connections and does not answer, for so long that etcd forgets it.
func testInteractionHangs(t *testing.T, d *harness.Deployment) {
	withoutInteraction(t, d, max(outage()/2, forgotten), d.Pause, d.Resume)
}

// forgotten is longer than a process that does not renew its lease stays in etcd.
const forgotten = 12 * time.Second

func withoutInteraction(t *testing.T, d *harness.Deployment, length time.Duration, begin, end func(t testing.TB, name string)) {
	t.Helper()
	fan, author := d.NewUser(t), d.NewUser(t)
	v := author.Publish(t, "liked "+author.Name)
	fan.Like(t, v.ID)
	count := func() int64 {
		for _, x := range fan.Feed(t, 0).Videos {
			if x.ID == v.ID {
				return x.FavoriteCount
			}
		}
		t.Fatal("the video is not in the feed")
		return 0
	}
	if n := count(); n != 1 {
		t.Fatalf("%d likes, want 1", n)
	}
	begin(t, interaction)
	var first, slowest time.Duration
	n := during(t.Context(), length, func() {
		began := time.Now()
		if n := count(); n != 0 {
			t.Errorf("%d likes without the service that knows", n)
		}
		if first == 0 {
			first = time.Since(began)
			return
		}
		slowest = max(slowest, time.Since(began))
	})
	t.Logf("%d feeds without interaction, the first took %v, the slowest of the others %v", n, first.Round(time.Millisecond),
		slowest.Round(time.Millisecond))
	if first > firstWithout || slowest > feedWithout {
		t.Errorf("the first feed took %v, another one %v", first, slowest)
	}
	end(t, interaction)
	began := time.Now()
	harness.Eventually(t, heal, func() error {
		if n := count(); n != 1 {
			return fmt.Errorf("%d likes, want 1", n)
		}
		return nil
	})
	harness.Eventually(t, heal-time.Since(began), func() error {
		a, err := author.Try(t.Context(), http.MethodPost, harness.PathFavorite, "video_id", v.ID, "action_type", 1)
		if err == nil && a.Code != 0 {
			err = fmt.Errorf("%d %s", a.Code, a.Msg)
		}
		return err
	})
	t.Logf("healed after %v", time.Since(began).Round(10*time.Millisecond))
	(&report{acknowledged: 2, stored: int(author.Profile(t, author.ID).TotalFavorited)}).print(t)
}

func testReplica(t *testing.T, d *harness.Deployment) {
	second := d.AddReplica(t, interaction)
	s := newStorm(t, d)
	harness.Eventually(t, stormy, func() error {
		if n, _ := harness.Added(nil, d.CounterOf(t, second, "tiktok_rpc_requests_total")); n < before/4 {
			return fmt.Errorf("the second replica has answered %.0f calls", n)
		}
		return nil
	})
	s.more(t, before, stormy)
	d.Kill(t, interaction)
	t.Logf("one of two is gone, healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	d.Revive(t, interaction)
	s.more(t, before, stormy)
	d.Kill(t, second)
	t.Logf("the other one is gone, healed after %v", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

// testKilledAndFlushed is two at once: neither the store's nor the caches' knowledge of the last moments may be wrong.
func testKilledAndFlushed(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	for range rounds() {
		s.more(t, before, stormy)
		flush(t)
		d.Kill(t, interaction)
		d.Revive(t, interaction)
		flush(t)
		t.Logf("healed %v after it was ready again", s.heals(t, heal))
	}
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}
