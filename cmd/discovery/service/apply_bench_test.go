package service

import (
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkApply applies batches of likes as the like writer tells them when many like a few videos: 50 messages of 20 likes.
func BenchmarkApply(b *testing.B) {
	for dialect, open := range map[string]func() *sqldb.DB{
		sqldb.SQLite: func() *sqldb.DB { return sqldbtest.SQLite(b, Name, db.Migrations()) },
		sqldb.MySQL:  func() *sqldb.DB { return sqldbtest.MySQL(b, Name, db.Migrations()) },
	} {
		b.Run(dialect, func(b *testing.B) {
			f := newFilled(b, open(), 1)
			var videos []int64
			for range 100 {
				videos = append(videos, f.publish(f.register()))
			}
			if err := f.apply(b.Context(), f.sent); err != nil {
				b.Fatal(err)
			}
			count := sqldbtest.CountStatements(f.sql)
			user, likes, statements := int64(1_000_000), 0, 0
			var spent time.Duration
			for b.Loop() {
				b.StopTimer()
				f.sent = nil
				for i := range 50 {
					users := make([]int64, 20)
					for u := range users {
						user++
						users[u] = user
					}
					f.like(videos[i], users...)
				}
				batch := append([]outbox.Message{}, f.sent...)
				before, began := count(), time.Now()
				b.StartTimer()
				if err := f.apply(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				spent += time.Since(began)
				statements += count() - before
				likes += 1000
			}
			b.ReportMetric(float64(likes)/spent.Seconds(), "likes/s")
			b.ReportMetric(float64(statements)/float64(b.N), "statements/op")
		})
	}
}
