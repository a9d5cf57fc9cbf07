package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/nettest"
	"tiktok/pkg/push"
	"tiktok/pkg/push/pushtest"
	"tiktok/pkg/telemetry"
)

func open(t *testing.T, cfg kv.Config) push.Broker {
	t.Helper()
	b, err := push.Open(t.Context(), cfg, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func onRedis(t *testing.T) kv.Config {
	t.Helper()
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	return kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}, Timeout: 5 * time.Second}
}

func TestMemory(t *testing.T) {
	pushtest.Run(t, func(t *testing.T) (push.Broker, push.Broker) {
		b := open(t, kv.Config{})
		return b, b
	})
}

func TestRedis(t *testing.T) {
	cfg := onRedis(t)
	pushtest.Run(t, func(t *testing.T) (push.Broker, push.Broker) { return open(t, cfg), open(t, cfg) })
}

func TestCluster(t *testing.T) {
	cluster := kvtest.StartCluster(t, kvtest.ClusterOptions{Masters: 3})
	cfg := kv.Config{Driver: kv.DriverRedis, Addrs: cluster.Addrs(), Timeout: 5 * time.Second}
	pushtest.Run(t, func(t *testing.T) (push.Broker, push.Broker) { return open(t, cfg), open(t, cfg) })
	t.Run("a node hands its channels to another one", func(t *testing.T) {
		a, b := open(t, cfg), open(t, cfg)
		user := pushtest.User()
		hints := pushtest.Subscribe(t, b, user)
		pushtest.Publish(t, a, user, "before")
		pushtest.Want(t, hints, "before")
		first, second, third := cluster.Nodes[0].Client, cluster.Nodes[1].Client, cluster.Nodes[2].Client
		to := second.ClusterMyID(t.Context()).Val()
		// All channels of the first node go to the second one.
		for slot := range 16384 / 3 {
			for _, n := range []*redis.Client{second, first, third} {
				if err := n.Do(t.Context(), "CLUSTER", "SETSLOT", slot, "NODE", to).Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		comesAgain(t, a, user, hints)
	})
}

func TestUnknownDriver(t *testing.T) {
	if _, err := push.Open(t.Context(), kv.Config{Driver: "pigeon"}, telemetry.Discard()); err == nil {
		t.Fatal("want an error")
	}
}

// Two databases of one Redis are two products.
func TestDatabasesAreApart(t *testing.T) {
	cfg := onRedis(t)
	a, user := open(t, cfg), pushtest.User()
	cfg.DB = 3
	b := open(t, cfg)
	hints := pushtest.Subscribe(t, b, user)
	pushtest.Publish(t, a, user, "of another one")
	pushtest.Publish(t, b, user, "own")
	pushtest.Want(t, hints, "own")
}

// comesAgain publishes until a hint arrives.
func comesAgain(t *testing.T, b push.Broker, user int64, hints <-chan json.RawMessage) {
	t.Helper()
	end, tick := time.After(30*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		err := b.Publish(t.Context(), []push.Hint{{UserID: user, Data: json.RawMessage(`1`)}})
		select {
		case <-hints:
			return
		case <-tick.C:
		case <-end:
			t.Fatalf("no hint any more; publish: %v", err)
		}
	}
}

// A subscription outlives its connection.
func TestRedisComesBack(t *testing.T) {
	direct := onRedis(t)
	proxy := nettest.NewProxy(t, direct.Addrs[0], nil)
	cfg := direct
	cfg.Addrs, cfg.Timeout = []string{proxy.Addr}, 300*time.Millisecond
	a, b := open(t, direct), open(t, cfg)
	user := pushtest.User()
	hints := pushtest.Subscribe(t, b, user)
	pushtest.Publish(t, a, user, "before")
	pushtest.Want(t, hints, "before")
	for range 3 {
		proxy.Cut()
		comesAgain(t, a, user, hints)
	}
	proxy.Refuse()
	began := time.Now()
	if err := b.Publish(t.Context(), []push.Hint{{UserID: user, Data: json.RawMessage(`1`)}}); err == nil {
		t.Error("published although Redis is away")
	}
	second, cancel, err := b.Subscribe(t.Context(), pushtest.User())
	if err != nil {
		t.Fatalf("subscribe while Redis is away: %v", err)
	}
	defer cancel()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("publish and subscribe took %v", took)
	}
	if err := b.Ping(t.Context()); err == nil {
		t.Error("ping while Redis is away")
	}
	proxy.Accept()
	comesAgain(t, a, user, hints)
	if len(second) != 0 {
		t.Error("a hint of another user")
	}
	for end := time.Now().Add(20 * time.Second); ; {
		err := b.Ping(t.Context())
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("Redis is back, and still: %v", err)
		}
	}
}

// A Redis that hangs holds nobody up for long.
func TestRedisHangs(t *testing.T) {
	direct := onRedis(t)
	proxy := nettest.NewProxy(t, direct.Addrs[0], nil)
	proxy.Freeze()
	cfg := direct
	cfg.Addrs, cfg.Timeout = []string{proxy.Addr}, 200*time.Millisecond
	b := open(t, cfg)
	began := time.Now()
	for range 100 {
		if err := b.Publish(t.Context(), []push.Hint{{UserID: 7, Data: json.RawMessage(`1`)}}); err == nil {
			t.Fatal("published")
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("100 hints took %v", took)
	}
}

// A server without sharded publish/subscribe says so.
func TestOldServer(t *testing.T) {
	server := miniredis.RunT(t)
	b := open(t, kv.Config{Driver: kv.DriverRedis, Addrs: []string{server.Addr()}})
	err := b.Ping(t.Context())
	if err == nil || !strings.Contains(err.Error(), "Redis 7.0") {
		t.Errorf("ping: %v", err)
	}
	err = b.Publish(t.Context(), []push.Hint{{UserID: 7, Data: json.RawMessage(`1`)}})
	if err == nil || !strings.Contains(err.Error(), "Redis 7.0") {
		t.Errorf("publish: %v", err)
	}
}

func ExampleBroker() {
	b := push.NewMemory(telemetry.Discard())
	defer func() { _ = b.Close() }()
	hints, cancel, err := b.Subscribe(context.Background(), 7)
	if err != nil {
		return
	}
	defer cancel()
	_ = b.Publish(context.Background(), []push.Hint{{UserID: 7, Data: json.RawMessage(`{"kind":"notice"}`)}})
	fmt.Println(string(<-hints))
	// Output: {"kind":"notice"}
}
