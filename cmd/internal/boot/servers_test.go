package boot

import (
	"bytes"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// A process knows the servers that it uses, without their passwords.
func TestServers(t *testing.T) {
	cfg := config.Default()
	cfg.RPC.Registry = []string{"https://etcd:2379"}
	cfg.DB.Driver, cfg.DB.Addr = "mysql", "db:3306"
	cfg.Cache.Driver, cfg.Cache.Addrs = "redis", []string{"a:1", "b:2"}
	cfg.Queue.Driver, cfg.Queue.URL = "rabbitmq", "amqps://user:geheim@mq/"
	want := []server{{"etcd", "etcd:2379"}, {"MySQL", "db:3306"}, {"Redis", "a:1"}, {"Redis", "b:2"}, {"RabbitMQ", "mq:5671"}}
	if got := servers(config.AllInOneProcess(), cfg); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	cfg.DB.Services = map[string]sqldb.Server{"chat": {Addr: "db2:3306"}, "user": {User: "me"}}
	if got := servers(config.AllInOneProcess(), cfg); !slices.Contains(got, server{"MySQL", "db2:3306"}) || len(got) != len(want)+1 {
		t.Errorf("with a server of its own for a service: %v", got)
	}
	if got := servers(config.Process{Name: "chat", Uses: config.Uses{DB: true}}, cfg); got[1] != (server{"MySQL", "db2:3306"}) {
		t.Errorf("the service with a server of its own waits for %v", got)
	}
	if got := servers(config.Process{}, cfg); len(got) != 3 {
		t.Errorf("without database and queue: %v", got)
	}
	if got := servers(config.AllInOneProcess(), config.Default()); len(got) != 0 {
		t.Errorf("the all-in-one waits for %v", got)
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// A start that waits says for whom, again and again, until everything is open; once at least.
func TestWatchStart(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for _, early := range []bool{false, true} {
		var log lines
		p := &Process{Process: config.Process{Uses: config.Uses{DB: true}}, Config: config.Default(), Telemetry: telemetry.Discard()}
		p.Telemetry.Log = slog.New(slog.NewTextHandler(&log, nil))
		p.Config.RPC.Registry = []string{ln.Addr().String()}
		p.Config.DB.Driver, p.Config.DB.Addr = "mysql", "127.0.0.1:1"
		opened := p.watchStart(t.Context(), time.Millisecond, time.Millisecond)
		want := 3
		if early {
			opened()
			want = 1
		}
		deadline := time.After(10 * time.Second)
		for log.count("server=MySQL addr=127.0.0.1:1") < want {
			select {
			case <-deadline:
				t.Fatalf("opened at once %v: it says %q", early, log.buf.String())
			case <-time.After(time.Millisecond):
			}
		}
		if log.count("etcd") != 0 {
			t.Error("it waits for a server that is there")
		}
		if !early {
			opened()
		}
	}
}
