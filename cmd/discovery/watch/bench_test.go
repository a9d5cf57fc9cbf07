package watch

import (
	"fmt"
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/dal/mq"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkApply is how fast the writer stores events of ten watches each, by users all over and of 10,000 videos, six of ten views. ns/op
// is the time of one batch.
func BenchmarkApply(b *testing.B) {
	for dialect, open := range map[string]func(b *testing.B) *sqldb.DB{
		sqldb.SQLite: func(b *testing.B) *sqldb.DB { return sqldbtest.SQLite(b, schema, db.Migrations()) },
		sqldb.MySQL:  func(b *testing.B) *sqldb.DB { return sqldbtest.MySQL(b, schema, db.Migrations()) },
	} {
		for _, size := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", dialect, size), func(b *testing.B) {
				f := newFixture(b, open(b), nil)
				events := make([]mq.Event, size)
				n := int64(0)
				for b.Loop() {
					b.StopTimer()
					for i := range events {
						watches := make([]Watch, 10)
						for k := range watches {
							n++
							video := n * 7919 % 10_000
							watches[k] = Watch{
								VideoID: videoOf(1+video%authors, video/authors), Session: fmt.Sprintf("session-%028d", n),
								WatchedMs: int64(1000 + k*600), Finished: k >= 8,
							}
						}
						events[i] = f.event(time.Duration(n)*time.Microsecond, 100_000+n/10*104_729%20_000, watches...)
					}
					b.StartTimer()
					if err := f.apply(b.Context(), events); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*size*10)/b.Elapsed().Seconds(), "watches/s")
			})
		}
	}
}
