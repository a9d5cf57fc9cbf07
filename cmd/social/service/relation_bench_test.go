package service_test

import (
	"testing"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/service"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// BenchmarkMGetRelations is what a feed page asks for, for 16 viewers at a time, with nothing to load: the counters of 30
// authors, and whom of them each viewer follows. The cache is as in the all-in-one.
func BenchmarkMGetRelations(b *testing.B) {
	const authors, viewers, follows = 30, 16, 5
	cache, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close() })
	svc := service.New(service.Deps{
		Store: db.New(sqldbtest.SQLite(b, "social", db.Migrations())), Cache: cache, IDs: id.New(0), Peers: peers(b, &fakeUsers{}),
		Tel: telemetry.Discard(),
	})
	req := &social.MGetRelationsRequest{}
	for i := range int64(authors) {
		req.UserIds = append(req.UserIds, 1+i)
	}
	for v := range int64(viewers) {
		viewer := 1000 + v
		for i := range int64(follows) {
			if _, err := svc.Follow(b.Context(), &social.FollowRequest{UserId: viewer, ToUserId: 1 + (v+i)%authors}); err != nil {
				b.Fatal(err)
			}
		}
		req.ViewerQueries = append(req.ViewerQueries, &social.ViewerQuery{ViewerId: viewer, UserIds: req.UserIds})
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := svc.MGetRelations(b.Context(), req)
		if err != nil || len(resp.ViewerStates) != viewers || len(resp.ViewerStates[0].FollowedIds) != follows {
			b.Fatal(resp, err)
		}
	}
}
