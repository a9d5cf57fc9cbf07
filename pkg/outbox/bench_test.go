package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"tiktok/pkg/outbox"
	"tiktok/pkg/outbox/outboxtest"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// each runs fn for both deployments: a schema and the settings of its bus.
func each(b *testing.B, fn func(b *testing.B, db *sqldb.DB, cfg queue.Config)) {
	b.Run("sqlite and memory", func(b *testing.B) { fn(b, sqldbtest.SQLite(b, "outbox", outboxtest.Migrations()), queue.Config{}) })
	b.Run("mysql and rabbitmq", func(b *testing.B) {
		fn(b, sqldbtest.MySQL(b, "outbox", outboxtest.Migrations()), rabbitConfig(b))
	})
}

// body is that of one like, about.
const body = `[{"at_ms":1796019011425,"video_likes":{"video_id":7205759403792793,"author_id":7205759403792794,` +
	`"likes":[{"user_id":7205759403792795,"liked":true,"at_ms":1796019011425}]}}]`

// BenchmarkRelay takes a backlog to a consumer that does nothing: what carrying a message costs.
func BenchmarkRelay(b *testing.B) {
	each(b, func(b *testing.B, db *sqldb.DB, cfg queue.Config) {
		bus := openBus(b, cfg, oneConsumer())
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var applied atomic.Int64
		go func() {
			_ = bus.Consume(ctx, "first", func(_ context.Context, messages []outbox.Message) error {
				applied.Add(int64(len(messages)))
				return nil
			})
		}()
		n := b.N
		for left := n; left > 0; left -= min(left, 500) {
			messages := make([]outbox.Message, min(left, 500))
			for i := range messages {
				messages[i] = outbox.Message{Topic: topic, Body: []byte(body)}
			}
			outboxtest.Add(b, db, messages...)
		}
		relay := outbox.NewRelay(db, bus, "bench", telemetry.Discard())
		eventually(b, "ping", func() bool { return bus.Ping(ctx) == nil })
		b.ResetTimer()
		go func() { _ = relay.Run(ctx) }()
		eventually(b, "all", func() bool { return applied.Load() >= int64(n) })
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
	})
}

// BenchmarkAdd is what a message adds to a transaction that changes a row, in which it is "with".
func BenchmarkAdd(b *testing.B) {
	each(b, func(b *testing.B, db *sqldb.DB, _ queue.Config) {
		if err := db.Write.Exec("CREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)").Error; err != nil {
			b.Fatal(err)
		}
		for id := range 64 {
			if err := db.Write.Exec("INSERT INTO counters (id, n) VALUES (?, 0)", id).Error; err != nil {
				b.Fatal(err)
			}
		}
		m := outbox.Message{Topic: topic, Body: []byte(body)}
		for _, with := range []bool{false, true} {
			b.Run(fmt.Sprint("with ", with), func(b *testing.B) {
				n := 0
				for b.Loop() {
					n++
					err := db.Tx(b.Context(), func(tx *gorm.DB) error {
						if err := tx.Exec("UPDATE counters SET n = n + 1 WHERE id = ?", n%64).Error; err != nil || !with {
							return err
						}
						return outbox.Add(tx, m)
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}
