// Package cluster_test runs two of each process on clusters of servers, breaks one node after the other under load, and counts what
// users notice. README.md says what is measured and how.
package cluster_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"tiktok/test/harness"
)

// form is how long things take.
type form struct {
	// before is the traffic until the fault, lasts how long the fault is there, after the traffic from its end.
	before, lasts, after time.Duration
	// away is how long all of etcd is gone.
	away time.Duration
}

func forms() map[string]form {
	return map[string]form{
		"short": {before: 2 * time.Second, lasts: 6 * time.Second, after: 6 * time.Second, away: 20 * time.Second},
		"long":  {before: 5 * time.Second, lasts: 25 * time.Second, after: 30 * time.Second, away: 200 * time.Second},
	}
}

// settles bounds how long after the traffic the last accepted writes are stored and shown.
const settles = 30 * time.Second

func TestCluster(t *testing.T) {
	if os.Getenv("TIKTOK_CLUSTER") != "1" {
		t.Skip("starts fifteen servers and sixteen processes: make cluster")
	}
	name := os.Getenv("TIKTOK_CLUSTER_FORM")
	f, ok := forms()[name]
	if !ok {
		t.Fatalf("no form %q", name)
	}
	c := startCluster(t)
	urls := []string{}
	for _, gateway := range []string{"api", "api-2"} {
		urls = append(urls, "http://"+c.d.Address(t, gateway))
	}
	b := newBalancer(urls...)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { b.watch(ctx) })
	defer wg.Wait()
	defer cancel()
	crowd := newCrowd(t, b)
	all := append([]fault{{name: "nothing", short: true, begin: func(*testing.T, *cluster) func() { return func() {} }}}, processFaults()...)
	all = append(all, serverFaults(f.away)...)
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) {
			if name == "short" && !x.short && os.Getenv("TIKTOK_CLUSTER_FAULTS") != "all" {
				t.Skip("long form only: make cluster")
			}
			c.run(t, f, crowd, x)
		})
	}
}

// startCluster starts the servers and the processes.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	n := newNetwork(t)
	s := startServers(t, n)
	s.environment(t)
	c := &cluster{servers: s}
	opts := []harness.Option{
		harness.Replicas(2), harness.OnS3(t), harness.Behind(func(name, inside, outside string) {
			n.add(name, func() (int, error) { return c.d.PID(t, name), nil })
			n.before(name, outside, inside)
		}),
		// All users have one address.
		harness.Set("limits.register_addr.rate", "0"), harness.Set("limits.login_addr.rate", "0"), harness.Set("limits.publish_addr.rate", "0"),
	}
	c.d = harness.Distributed(t, opts...)
	harness.Eventually(t, whole, func() error { return c.d.Ready(t.Context()) })
	return c
}

// run lets one thing go wrong under load and prints what became of it.
func (c *cluster) run(t *testing.T, f form, crowd *crowd, x fault) {
	c.healthy(t)
	s := crowd.newScene(t)
	var samples []sample
	var wg sync.WaitGroup
	defer wg.Wait() // also when the fault or its end fails
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	wg.Go(func() { samples = crowd.run(ctx, s) })
	harness.Until(ctx, time.Now().Add(f.before))
	events := []time.Time{time.Now()}
	happened := func() { events = append(events, time.Now()) }
	end := x.begin(t, c)
	happened() // a restart is over
	harness.Until(ctx, events[0].Add(max(f.lasts, x.length)))
	happened()
	end()
	happened() // what was gone is there
	harness.Until(ctx, time.Now().Add(f.after))
	stop()
	wg.Wait()
	r := judge(x.name, samples, int(crowd.missed.Load()), events)
	began := time.Now()
	for {
		counted := crowd.recount(t.Context(), s)
		r.lost, r.doubled, r.audit = counted.lost, counted.doubled, c.d.Recount(t.Context())
		if err := counted.err(); err == nil && r.audit == nil {
			break
		} else if time.Since(began) > settles {
			t.Logf("recount: %v", err)
			break
		}
	}
	r.print(t)
}
