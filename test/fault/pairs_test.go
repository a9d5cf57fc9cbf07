package fault_test

import (
	"fmt"
	"testing"
	"time"

	"tiktok/test/harness"
)

// fault is something that breaks and is mended, while everything else goes on or is broken too.
type fault struct {
	name       string
	begin, end func(t *testing.T, d *harness.Deployment)
}

func stopped(name, command string) fault {
	return fault{
		name:  name,
		begin: func(t *testing.T, _ *harness.Deployment) { t.Helper(); server(t, command, name) },
		end:   func(t *testing.T, _ *harness.Deployment) { t.Helper(); server(t, "start", name) },
	}
}

// faults are the four that promise 1 names, in the order in which two of them begin and end: what is broken first still
// acknowledges writes, and a process only starts when its servers are there.
func faults() []fault {
	flushed := func(t *testing.T, _ *harness.Deployment) { t.Helper(); flush(t) }
	return []fault{
		stopped("mysql", "stop"),
		stopped("rabbitmq", "kill"),
		{name: "flush of Redis", begin: flushed, end: flushed},
		{
			name:  "kill of interaction",
			begin: func(t *testing.T, d *harness.Deployment) { t.Helper(); d.Kill(t, interaction) },
			end:   func(t *testing.T, d *harness.Deployment) { t.Helper(); d.Revive(t, interaction) },
		},
	}
}

// testPairs breaks every two of the four together, each pair in a storm of its own.
func testPairs(t *testing.T, d *harness.Deployment) {
	all := faults()
	for i, a := range all {
		for _, b := range all[i+1:] {
			t.Run(fmt.Sprintf("%s and %s", a.name, b.name), func(t *testing.T) { together(t, d, a, b) })
		}
	}
}

// testTogether breaks one after the other, until all four are broken, and mends them in that order: each pair overlaps.
func testTogether(t *testing.T, d *harness.Deployment) { together(t, d, faults()...) }

// together runs a storm in which each of these begins before the one before has ended.
func together(t *testing.T, d *harness.Deployment, broken ...fault) {
	t.Helper()
	s := newStorm(t, d)
	s.more(t, before, stormy)
	mended := make([]bool, len(broken))
	mend := func(i int) {
		if !mended[i] {
			mended[i] = true
			broken[i].end(t, d)
		}
	}
	t.Cleanup(func() {
		for i := range broken {
			if t.Failed() && !mended[i] {
				mend(i) // the next one needs it
			}
		}
	})
	for i, f := range broken {
		f.begin(t, d)
		if i == 0 {
			s.more(t, before, stormy) // e.g. what only the queue knows when that goes away too
		}
	}
	n := during(t.Context(), outage()-overlap, func() { probe(t, d) })
	t.Logf("%d feeds asked for meanwhile", n)
	s.lull(func() {
		for i := range broken {
			mend(i)
		}
	})
	t.Logf("healed %v after the last was mended", s.heals(t, heal))
	s.more(t, after, stormy)
	s.verify(t)
	s.answered(t)
}

// overlap is what the stops themselves take of an outage.
const overlap = 6 * time.Second

// testEachKilled kills every process but interaction, one after the other.
func testEachKilled(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	for range max(1, rounds()/2) {
		for _, name := range []string{"video", "user", "social", "chat", "notice", "api"} {
			s.more(t, before/4, stormy)
			d.Kill(t, name)
			d.Revive(t, name)
			t.Logf("%s healed %v after it was ready again", name, s.heals(t, heal))
		}
	}
	s.more(t, after, stormy)
	s.verify(t) // and not answered: while there is no gateway there are no answers
}

// testEtcdAway: everybody goes on with the addresses that they know.
func testEtcdAway(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	s.more(t, before, stormy)
	away(t, s, "etcd", func() {
		s.more(t, before, stormy)
		during(t.Context(), outage()/2, func() { s.author.Feed(t, 0) })
	})
	t.Logf("healed after %v", s.heals(t, heal))
	s.more(t, before, stormy)
	s.verify(t)
	s.answered(t)
	if n := s.failures(); len(n) != 0 {
		t.Errorf("failures: %v", n)
	}
}
