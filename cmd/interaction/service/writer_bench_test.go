package service

import (
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkDrain is how fast the writer works off a backlog in batches of 512 new events: likes of one video or of
// 10,000 videos, and comments likewise. ns/op is the time of one batch.
func BenchmarkDrain(b *testing.B) {
	const batch = 512
	stores := map[string]func(b *testing.B) *sqldb.DB{
		sqldb.SQLite: func(b *testing.B) *sqldb.DB { return sqldbtest.SQLite(b, Name, db.Migrations()) },
		sqldb.MySQL:  func(b *testing.B) *sqldb.DB { return sqldbtest.MySQL(b, Name, db.Migrations()) },
	}
	for _, dialect := range []string{sqldb.SQLite, sqldb.MySQL} {
		for _, load := range []struct {
			name   string
			videos int64
			make   func(s *Service, user, video int64) mq.Event
		}{
			{"likes/hot", 1, func(s *Service, user, video int64) mq.Event { return s.likeEvent(user, video, true) }},
			{"likes/spread", 10_000, func(s *Service, user, video int64) mq.Event { return s.likeEvent(user, video, true) }},
			{"comments/hot", 1, func(s *Service, user, video int64) mq.Event { return s.createEvent(user, video) }},
			{"comments/spread", 10_000, func(s *Service, user, video int64) mq.Event { return s.createEvent(user, video) }},
		} {
			b.Run(dialect+"/"+load.name, func(b *testing.B) {
				f := newFixture(b, stores[dialect](b), nil)
				n := int64(0)
				events := make([]mq.Event, batch)
				for b.Loop() {
					b.StopTimer()
					for i := range events {
						n++
						video := n * 7919 % load.videos
						events[i] = load.make(f.Service, 1000+n*104729%10_000_019, videoOf(1+video%authors, video/authors))
					}
					b.StartTimer()
					if err := f.apply(b.Context(), events); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkDeleteThread is the deletion of a comment with 10,000 answers, of others and long ago, until the last one is gone.
func BenchmarkDeleteThread(b *testing.B) {
	for dialect, open := range map[string]func(testing.TB) *sqldb.DB{
		sqldb.SQLite: func(tb testing.TB) *sqldb.DB { return sqldbtest.SQLite(tb, Name, db.Migrations()) },
		sqldb.MySQL:  func(tb testing.TB) *sqldb.DB { return sqldbtest.MySQL(tb, Name, db.Migrations()) },
	} {
		b.Run(dialect, func(b *testing.B) {
			f := newFixture(b, open(b), nil)
			for b.Loop() {
				b.StopTimer()
				root := f.longThread(b, videoOf(1, 1), 10_000)
				b.StartTimer()
				f.applied(b, []mq.Event{f.deleteEvent(root)})
			}
		})
	}
}
