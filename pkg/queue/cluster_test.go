package queue_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/queue"
	"tiktok/pkg/queue/rabbittest"
)

const (
	// interval between two messages of all publishers: 50 a second.
	interval = 20 * time.Millisecond
	// faultTime is longer than what follows it may take.
	faultTime = 12 * time.Second
	// healTime is what the issue allows.
	healTime = 10 * time.Second
)

// ledger is the store that all processes share: how often each message was applied.
type ledger struct {
	mu   sync.Mutex
	seen map[int]int
}

func (l *ledger) apply(_ context.Context, batch []int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range batch {
		l.seen[m]++
	}
	return nil
}

func (l *ledger) times(m int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[m]
}

// answer is one call of Publish.
type answer struct {
	id          int
	began, told time.Time
	err         error
}

// traffic is that of two processes with a fallback, as for likes, and of one publisher without, by turns. Each message has the deadline
// of a like.
type traffic struct {
	*ledger
	queues  [3]queue.Queue[int]
	mu      sync.Mutex
	answers []answer
	stop    func()
}

func startTraffic(t *testing.T, urls []string, name string) *traffic {
	t.Helper()
	tr := &traffic{ledger: &ledger{seen: map[int]int{}}}
	for i := range tr.queues {
		var opts []queue.Option
		if i < 2 {
			opts = append(opts, queue.WithFallback())
		}
		q, err := queue.Open[int](t.Context(), queue.Config{Driver: queue.DriverRabbitMQ, URLs: urls}, name, nil, opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = q.Close() })
		tr.queues[i] = q
		if i < 2 {
			go func() { _ = q.Consume(context.Background(), tr.apply) }()
		}
		awaitReady(t, q)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			wg.Go(func() { tr.publish(i) })
			<-tick.C
		}
		wg.Wait()
	}()
	tr.stop = func() { cancel(); <-done }
	t.Cleanup(tr.stop)
	return tr
}

func (tr *traffic) publish(i int) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a := answer{id: i, began: time.Now()}
	_, a.err = tr.queues[i%3].Publish(ctx, i)
	a.told = time.Now()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.answers = append(tr.answers, a)
}

// report is what became of the traffic.
type report struct {
	messages, refused int // of those with a fallback
	slowest           time.Duration
	lost, twice       int
	confirmed         time.Duration // from the fault to the first confirm of what was published after it, without fallback
	healed            time.Duration // from the begin or the end of the fault to the last failure without fallback
}

func (tr *traffic) report(t *testing.T, begin, end time.Time) (r report) {
	t.Helper()
	lost := func() (n int) {
		for _, a := range tr.answers {
			if a.err == nil && tr.times(a.id) == 0 {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(healTime); lost() > 0 && time.Now().Before(deadline); {
		<-time.After(interval)
	}
	r.lost = lost()
	for _, a := range tr.answers {
		if tr.times(a.id) > 1 {
			r.twice++
		}
		if a.id%3 != 2 {
			r.messages++
			r.slowest = max(r.slowest, a.told.Sub(a.began))
			if a.err != nil {
				r.refused++
				t.Errorf("message %d, %v after the fault, was refused: %v", a.id, a.began.Sub(begin), a.err)
			}
			continue
		}
		since := begin
		if a.told.After(end) {
			since = end
		}
		switch after := a.told.Sub(since); {
		case a.began.Before(begin):
		case a.err != nil && !errors.Is(a.err, queue.ErrUnavailable):
			t.Errorf("without a fallback: %v, want ErrUnavailable", a.err)
		case a.err != nil:
			r.healed = max(r.healed, after)
		case r.confirmed == 0:
			r.confirmed = after
		}
	}
	return r
}

// Whatever becomes of the node that leads the queue: nothing that was accepted is lost, writes with a fallback are taken all the
// time, and within ten seconds the broker takes them again.
func TestClusterFailover(t *testing.T) {
	c := rabbittest.Start(t)
	restart := func(i int) { c.Shutdown(i); c.Run(i) }
	for _, fault := range []struct {
		name       string
		begin, end func(node int)
	}{
		{"killed", c.Kill, c.Run},
		{"hung", c.Hang, c.Resume},
		{"restarted", restart, func(int) {}},
		{"cut off from clients", c.CutOff, c.Reconnect},
		{"silent for clients", c.Silence, c.Reconnect},
	} {
		t.Run(fault.name, func(t *testing.T) {
			c.AwaitWhole(t)
			queueName := "test." + strings.ToLower(rand.Text())
			tr := startTraffic(t, c.URLs(), queueName)
			if n := c.Members(0, "tiktok."+queueName); n != rabbittest.Nodes {
				t.Errorf("%d nodes have the queue, want %d", n, rabbittest.Nodes)
			}
			leader := c.Leader(0, "tiktok."+queueName)
			begin := time.Now()
			fault.begin(leader)
			<-time.After(time.Until(begin.Add(faultTime)))
			end := time.Now()
			fault.end(leader)
			<-time.After(healTime)
			tr.stop()
			r := tr.report(t, begin, end)
			t.Logf("%d messages with a fallback: %d refused, the slowest took %v; %d lost, %d twice; first confirm after %v, healed after %v",
				r.messages, r.refused, r.slowest.Round(time.Millisecond), r.lost, r.twice,
				r.confirmed.Round(time.Millisecond), r.healed.Round(time.Millisecond))
			if r.lost > 0 {
				t.Errorf("%d lost", r.lost)
			}
			if r.confirmed == 0 || r.confirmed > healTime || r.healed > healTime {
				t.Errorf("first confirm after %v, healed after %v, want at most %v", r.confirmed, r.healed, healTime)
			}
		})
	}
}
