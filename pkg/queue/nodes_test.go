package queue_test

import (
	"net"
	"testing"
	"time"

	"tiktok/pkg/queue"
)

// silent is the URL of a node that takes connections and never says a word.
func silent(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return "amqp://guest:guest@" + ln.Addr().String() + "/"
}

// A node that hangs, or is away, is left for the next one, whatever the connections begin with; so is one that is lost later.
func TestRabbitNextNode(t *testing.T) {
	u := rabbitURL(t)
	first, firstURL := newProxy(t, u)
	second, secondURL := newProxy(t, u)
	second.Refuse()
	q := openRabbit[int](t, newName(t, u), queue.Config{URLs: []string{silent(t), firstURL, secondURL}})
	began := time.Now()
	c := collect(t, q, nil)
	awaitReady(t, q)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("connected after %v, want at most 4 s beside a node that hangs", took)
	}
	if applied, err := q.Publish(t.Context(), 1); err != nil || !applied {
		t.Errorf("with the first node: applied %v, %v", applied, err)
	}
	second.Accept()
	first.Refuse()
	eventually(t, func() bool {
		_, err := q.Publish(t.Context(), 2)
		return err == nil
	})
	eventually(t, func() bool { return c.has(2) })
	if second.Connections() == 0 {
		t.Error("the second node was not asked")
	}
}

// The dead letters are found through any node.
func TestDeadLettersNextNode(t *testing.T) {
	u := rabbitURL(t)
	away, awayURL := newProxy(t, u)
	away.Refuse()
	name := newName(t, u)
	awaitReady(t, openRabbit[int](t, name, queue.Config{URL: u}))
	for range 4 {
		openDead(t, queue.Config{URLs: []string{awayURL, u}}, name)
	}
}
