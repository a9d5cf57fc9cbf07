package service_test

import (
	"sync/atomic"
	"testing"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/rpc"
	"tiktok/cmd/chat/service"
	"tiktok/kitex_gen/chat"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/words"
)

// BenchmarkSend stores messages in a thousand conversations of ten users, answered by turns.
func BenchmarkSend(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) *sqldb.DB{
		"sqlite": func(b *testing.B) *sqldb.DB { b.Helper(); return sqldbtest.SQLite(b, "chat", db.Migrations()) },
		"mysql":  func(b *testing.B) *sqldb.DB { b.Helper(); return sqldbtest.MySQL(b, "chat", db.Migrations()) },
	} {
		b.Run(name, func(b *testing.B) {
			cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = cache.Close() })
			filter, err := words.Open(words.Config{Mode: "mask"})
			if err != nil {
				b.Fatal(err)
			}
			svc := service.New(service.Deps{
				Store: db.New(open(b)), Cache: cache, IDs: id.New(0), Words: filter, Peers: rpc.Peers{Users: users(b)}, Tel: telemetry.Discard(),
			})
			var turn atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					n := turn.Add(1)
					from, to := 1+n%10, 11+n/10%100
					if n/1000%2 == 1 {
						from, to = to, from
					}
					if _, err := svc.SendMessage(b.Context(), &chat.SendMessageRequest{FromUserId: from, ToUserId: to, Content: "see you"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
