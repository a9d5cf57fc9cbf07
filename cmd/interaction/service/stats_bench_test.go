package service

import (
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkMGetStats is what a feed page asks for, for 16 viewers at a time, with nothing to load and nothing pending:
// the counters of 30 videos and their 30 authors, and what each viewer sees of them. The cache is as in the all-in-one.
func BenchmarkMGetStats(b *testing.B) {
	const videos, viewers = 30, 16
	memory, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		b.Fatal(err)
	}
	f := newFixture(b, sqldbtest.SQLite(b, Name, db.Migrations()), func(d *Deps) { d.Cache = memory })
	req := &interaction.MGetStatsRequest{}
	for i := range int64(videos) {
		req.VideoIds, req.UserIds = append(req.VideoIds, videoOf(1+i, 1)), append(req.UserIds, 1+i)
	}
	for v := range int64(viewers) {
		viewer := 1000 + v
		for i := range int64(5) {
			f.like(b, viewer, videoOf(1+(v+i)%videos, 1))
		}
		req.ViewerQueries = append(req.ViewerQueries, &interaction.ViewerQuery{ViewerId: viewer, VideoIds: req.VideoIds, UserIds: req.UserIds})
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := f.MGetStats(b.Context(), req)
		if err != nil || len(resp.ViewerStates) != viewers || len(resp.ViewerStates[0].FavoriteIds) != 5 {
			b.Fatal(resp, err)
		}
	}
}
