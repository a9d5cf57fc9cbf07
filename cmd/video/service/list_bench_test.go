package service_test

import (
	"fmt"
	"testing"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// BenchmarkFeed reads the first page of 30 videos, and the second, which is a statement.
func BenchmarkFeed(b *testing.B) {
	const page = 30
	cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close() })
	svc := service.New(service.Deps{
		Store: db.New(sqldbtest.SQLite(b, "video", db.Migrations())), Cache: cache, IDs: id.New(0), Tel: telemetry.Discard(),
	})
	for i := range int64(2 * page) {
		if _, err := svc.Publish(b.Context(), request(1+i, fmt.Sprint("what is to be seen in video ", i))); err != nil {
			b.Fatal(err)
		}
	}
	first, err := svc.Feed(b.Context(), &video.FeedRequest{Limit: page})
	if err != nil {
		b.Fatal(err)
	}
	for name, before := range map[string]int64{"first": 0, "second": first.NextBeforeMs} {
		b.Run("page="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resp, err := svc.Feed(b.Context(), &video.FeedRequest{BeforeMs: before, Limit: page})
				if err != nil || len(resp.Videos) != page {
					b.Fatal(resp, err)
				}
			}
		})
	}
}
