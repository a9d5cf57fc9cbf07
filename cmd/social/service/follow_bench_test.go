package service_test

import (
	"sync/atomic"
	"testing"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/service"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// BenchmarkFollow is what a new follow costs while 16 others are stored too, of users who are followed by few.
func BenchmarkFollow(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) *sqldb.DB{
		sqldb.SQLite: func(b *testing.B) *sqldb.DB { return sqldbtest.SQLite(b, "social", db.Migrations()) },
		sqldb.MySQL:  func(b *testing.B) *sqldb.DB { return sqldbtest.MySQL(b, "social", db.Migrations()) },
	} {
		b.Run(name, func(b *testing.B) {
			sql := open(b)
			cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = cache.Close() })
			svc := service.New(service.Deps{
				Store: db.New(sql), Cache: cache, IDs: id.New(0), Peers: peers(b, &fakeUsers{}), Tel: telemetry.Discard(),
			})
			const users = 50_000
			var next atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := next.Add(1)
					from, to := n%users, (n+1+n/users)%users
					if _, err := svc.Follow(b.Context(), &social.FollowRequest{UserId: 1 + from, ToUserId: 1 + to}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
