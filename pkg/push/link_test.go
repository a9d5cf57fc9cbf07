package push

import (
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

// A channel without readers is left after a while, and subscribed to again when one comes.
func TestChannelsAreLeft(t *testing.T) {
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	r := kv.NewRedis(kv.Config{Addrs: []string{addr}, Timeout: 5 * time.Second})
	t.Cleanup(func() { _ = r.Close() })
	got := make(chan string, 1)
	var group sync.WaitGroup
	t.Cleanup(group.Wait) // runs after the test's context has ended
	l := newLink(t.Context(), r.Client, func(msg string) { got <- msg }, telemetry.Discard().Log)
	l.beat, l.linger = 5*time.Millisecond, 10*time.Millisecond
	const name = prefix + "test:left"
	subscribers := func() int64 {
		return r.Client.PubSubShardNumSub(t.Context(), name).Val()[name]
	}
	for range 3 {
		<-l.acquire(&group, name)
		if n := subscribers(); n != 1 {
			t.Fatalf("%d subscribers", n)
		}
		if err := r.Client.SPublish(t.Context(), name, "x").Err(); err != nil {
			t.Fatal(err)
		}
		if msg := <-got; msg != "x" {
			t.Fatalf("got %q", msg)
		}
		l.release(name)
		for end := time.Now().Add(10 * time.Second); subscribers() != 0; {
			if time.Now().After(end) {
				t.Fatal("still subscribed")
			}
		}
	}
}

// What cannot be a message is an error, at each place where one can be cut.
func TestReadHints(t *testing.T) {
	of := messages([]Hint{{UserID: 7, Data: []byte(`{"a":1}`)}, {UserID: 7, Data: []byte(`{"b":2}`)}})
	msg := of[channelOf(7)][0]
	for n := range len(msg) {
		whole := 0
		err := readHints(msg[:n], func(int64, json.RawMessage) { whole++ })
		if cut := n != 0 && n != len(msg)/2; cut == (err == nil) || whole != n/(len(msg)/2) {
			t.Errorf("%d of %d bytes: %d hints, %v", n, len(msg), whole, err)
		}
	}
	for _, bad := range []string{
		"\x00\x01x", "\x07\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01x", "\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x",
	} {
		if err := readHints([]byte(bad), func(int64, json.RawMessage) { t.Error("a hint") }); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func FuzzReadHints(f *testing.F) {
	f.Add([]byte("\x07\x01x"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		_ = readHints(msg, func(user int64, data json.RawMessage) {
			if user <= 0 || len(data) == 0 {
				t.Errorf("user %d, %d bytes", user, len(data))
			}
		})
	})
}
