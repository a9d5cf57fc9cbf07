package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/interaction/service"
	"tiktok/cmd/services"
	"tiktok/pkg/outbox"
	"tiktok/pkg/outbox/outboxtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/telemetry"
)

// dead runs the command on the queues of prefix.
func dead(t *testing.T, prefix string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	environ := []string{
		"TIKTOK_QUEUE_DRIVER=rabbitmq",
		"TIKTOK_QUEUE_URL=" + os.Getenv("TIKTOK_TEST_RABBITMQ"),
		"TIKTOK_QUEUE_PREFIX=" + prefix,
	}
	return run(t, environ, append([]string{"dead-letters"}, args...)...)
}

func TestDeadLetters(t *testing.T) {
	u := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if u == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	// Its queues stay in the broker, which is thrown away with its data after the tests.
	prefix := "test." + strings.ToLower(rand.Text())
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: u, Prefix: prefix, AppliedWait: -1}
	q, err := queue.Open[map[string]any](t.Context(), cfg, service.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close() }()
	var sick atomic.Bool
	sick.Store(true)
	var applied atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, func(_ context.Context, batch []map[string]any) error {
			if sick.Load() {
				return errors.Join(errors.New("no such video"), queue.ErrPoison)
			}
			applied.Add(int64(len(batch)))
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	eventually(t, func() bool { return q.Ping(t.Context()) == nil })
	for i := range 3 {
		if _, err := q.Publish(t.Context(), map[string]any{"video_id": i}); err != nil {
			t.Fatal(err)
		}
	}
	lines := func() int {
		code, out, errs := dead(t, prefix, "list", "--json")
		if code != 0 {
			t.Fatalf("%d: %s", code, errs)
		}
		return strings.Count(out, "\n")
	}
	eventually(t, func() bool { return lines() == 3 })

	var out string
	eventually(t, func() bool { // what the last look held is back soon
		_, out, _ = dead(t, prefix, "list", "--limit", "2")
		return strings.Contains(out, "3 dead letters in "+prefix+".interaction.dead, the oldest 2")
	})
	for _, want := range []string{"no such video", "ago, attempts 0", `"video_id": 1`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}

	eventually(t, func() bool { return lines() == 3 })
	// Whichever comes first: what was looked at may come back in another order, and nothing while it is on its way.
	eventually(t, func() bool {
		var errs string
		_, out, errs = dead(t, prefix, "drop", "--yes", "--limit", "1")
		return strings.Contains(errs, "1 dropped")
	})
	var l queue.DeadLetter
	if err := json.Unmarshal([]byte(out), &l); err != nil || len(l.Events) != 1 || !strings.HasPrefix(string(l.Events[0]), `{"video_id":`) {
		t.Errorf("dropped %q, %v", out, err)
	}
	sick.Store(false)
	eventually(t, func() bool { // what the last look held is back soon
		code, _, errs := dead(t, prefix, "replay")
		if code != 0 {
			t.Errorf("%d: %s", code, errs)
		}
		return applied.Load() == 2
	})
	if n := lines(); n != 0 {
		t.Errorf("%d dead letters are left", n)
	}
}

// What a consumer of events gave up in one process is in the outboxes of two services.
func TestDeadEventsInTables(t *testing.T) {
	dir := t.TempDir()
	consumers := []outbox.Consumer{{Name: "notice", Topics: []string{"test.topic"}}}
	bus, err := outbox.OpenBus(t.Context(), queue.Config{}, consumers, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bus.Close() }()
	var sick atomic.Bool
	sick.Store(true)
	var applied atomic.Int64
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wg.Go(func() {
		_ = bus.Consume(ctx, "notice", func(_ context.Context, messages []outbox.Message) error {
			if sick.Load() {
				return fmt.Errorf("%w: no such user", outbox.ErrPoison)
			}
			applied.Add(int64(len(messages)))
			return nil
		})
	})
	for _, name := range []string{"chat", "video"} {
		s, _ := services.Find(name)
		db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, Dir: filepath.Join(dir, "db")}, name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Migrate(t.Context(), s.Migrations()); err != nil {
			t.Fatal(err)
		}
		outboxtest.Add(t, db,
			outbox.Message{Topic: "test.topic", Body: []byte(`["` + name + `"]`)}, outbox.Message{Topic: "test.topic", Body: []byte("[2]")})
		relay := outbox.NewRelay(db, bus, name, telemetry.Discard())
		wg.Go(func() { _ = relay.Run(ctx) })
	}
	dead := func(args ...string) (stdout, stderr string) {
		code, out, errs := run(t, nil, append(append([]string{"dead-letters"}, args...), "--consumer", "notice", "--data", dir)...)
		if code != 0 {
			t.Fatalf("%v: %d: %s", args, code, errs)
		}
		return out, errs
	}
	lines := func() int { out, _ := dead("list", "--json"); return strings.Count(out, "\n") }
	eventually(t, func() bool { return lines() == 4 })
	out, _ := dead("list", "--limit", "3")
	for _, want := range []string{
		"4 dead letters in the outboxes, of notice, the oldest 3", "no such user", `"topic": "test.topic"`, `"chat"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if out, errs := dead("drop", "--yes", "--limit", "1"); strings.Count(out, "\n") != 1 || !strings.Contains(errs, "1 dropped") {
		t.Errorf("dropped %q, %q", out, errs)
	}
	sick.Store(false)
	if out, _ := dead("replay", "--limit", "2"); !strings.Contains(out, "2 replayed") {
		t.Error(out)
	}
	eventually(t, func() bool { return applied.Load() == 2 })
	if n := lines(); n != 1 {
		t.Errorf("%d dead letters are left, want 1", n)
	}
	dead("replay")
	eventually(t, func() bool { return applied.Load() == 3 })
	if n := lines(); n != 0 {
		t.Errorf("%d dead letters are left", n)
	}
}

func TestDeadLetterRefusals(t *testing.T) {
	rabbit := []string{"TIKTOK_QUEUE_DRIVER=rabbitmq", "TIKTOK_QUEUE_URL=amqp://guest:geheim@127.0.0.1:1/"}
	for name, c := range map[string]struct {
		args, environ []string
		code          int
		want          string
	}{
		"nothing":      {nil, nil, exitUsage, "which of drop, list, replay"},
		"unknown":      {[]string{"eat"}, rabbit, exitUsage, `"eat"`},
		"more":         {[]string{"list", "--limit", "1", "x"}, rabbit, exitUsage, `"x"`},
		"bad limit":    {[]string{"list", "--limit", "-1"}, rabbit, exitUsage, "--limit"},
		"bad setting":  {[]string{"list", "--set", "queue.nope=1"}, rabbit, exitUsage, "queue.nope"},
		"bad type":     {[]string{"list", "--set", "queue.type=lazy"}, rabbit, exitUsage, "queue.type"},
		"both":         {[]string{"list", "--queue", "x", "--consumer", "notice"}, rabbit, exitUsage, "not both"},
		"no consumer":  {[]string{"list", "--consumer", "api"}, rabbit, exitUsage, `"api"`},
		"no outbox":    {[]string{"list", "--consumer", "notice", "--data", "/nowhere"}, nil, exitFailed, "no outbox"},
		"events away":  {[]string{"list", "--consumer", "notice"}, rabbit, exitFailed, "connect to RabbitMQ"},
		"drop unasked": {[]string{"drop"}, rabbit, exitUsage, "--yes"},
		"memory":       {[]string{"list"}, nil, exitFailed, "only the rabbitmq driver"},
		"broker away":  {[]string{"replay"}, rabbit, exitFailed, "connect to RabbitMQ"},
	} {
		code, _, errs := run(t, c.environ, append([]string{"dead-letters"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) || strings.Contains(errs, "geheim") {
			t.Errorf("%s: %d, want %d\n%s", name, code, c.code, errs)
		}
	}
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-tick.C
	}
}
