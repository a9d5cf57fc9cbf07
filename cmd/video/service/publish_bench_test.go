package service_test

import (
	"sync/atomic"
	"testing"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// BenchmarkPublish is what a video that is listed at once, with work in the background to do, costs while 16 others are published too.
func BenchmarkPublish(b *testing.B) {
	for name, open := range map[string]func(b *testing.B) *sqldb.DB{
		sqldb.SQLite: func(b *testing.B) *sqldb.DB { return sqldbtest.SQLite(b, "video", db.Migrations()) },
		sqldb.MySQL:  func(b *testing.B) *sqldb.DB { return sqldbtest.MySQL(b, "video", db.Migrations()) },
	} {
		b.Run(name, func(b *testing.B) {
			sql := open(b)
			cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = cache.Close() })
			blobs, err := blob.Open(b.Context(), blob.Config{Driver: "local", Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			svc := service.New(service.Deps{
				Store: db.New(sql), Cache: cache, IDs: id.New(0), Tel: telemetry.Discard(),
				Media: service.MediaDeps{Blobs: blobs, Tools: newTools(), Background: true},
			})
			var next atomic.Int64
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := svc.Publish(b.Context(), request(1+next.Add(1)%1000, "a video")); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
