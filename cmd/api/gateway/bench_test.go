package gateway_test

import (
	"fmt"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/common/ut"

	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
)

// BenchmarkFeed is a request for the first feed page through the whole gateway, from the router to the encoded answer,
// without a socket: a viewer with a token, services that answer from memory, called as the all-in-one calls its own. Limits
// count and let everything through.
func BenchmarkFeed(b *testing.B) {
	const page = 30
	f := &fakes{
		feed: func(*video.FeedRequest) (*video.FeedResponse, error) {
			resp := &video.FeedResponse{NextBeforeMs: 1_763_000_000_000}
			for i := range int64(page) {
				resp.Videos = append(resp.Videos, &video.Video{
					Id: 1000 + i, AuthorId: 1 + i, Title: fmt.Sprint("what is to be seen in video ", i),
					PlayKey: fmt.Sprintf("videos/%032x.mp4", i), CoverKey: fmt.Sprintf("covers/%032x.jpg", i),
				})
			}
			return resp, nil
		},
		stats: func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
			resp := &interaction.MGetStatsResponse{Videos: map[int64]*interaction.VideoStats{}, Users: map[int64]*interaction.UserStats{}}
			for _, id := range r.VideoIds {
				resp.Videos[id] = &interaction.VideoStats{FavoriteCount: id, CommentCount: id}
			}
			for _, id := range r.UserIds {
				resp.Users[id] = &interaction.UserStats{TotalFavorited: id, FavoriteCount: id}
			}
			for _, l := range r.Looks {
				resp.Seen = append(resp.Seen, &interaction.Seen{FavoriteIds: l.VideoIds[:3]})
			}
			return resp, nil
		},
		relations: func(r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
			resp := &social.MGetRelationsResponse{Relations: map[int64]*social.Relation{}}
			for _, id := range r.UserIds {
				resp.Relations[id] = &social.Relation{FollowCount: id, FollowerCount: id}
			}
			for _, l := range r.Looks {
				resp.Seen = append(resp.Seen, &social.Seen{FollowedIds: l.UserIds[:3]})
			}
			return resp, nil
		},
	}
	e := start(b, f, func(d *gateway.Deps) {
		d.Clients = f.connect(b, nil)
		rules := config.Default().Limits
		rules.ReadAddr.Rate, rules.ReadAddr.Burst, rules.ReadUser.Rate, rules.ReadUser.Burst = 1e9, 1e9, 1e9, 1e9
		d.Limits = rules
	})
	url := "/douyin/feed/?token=" + e.token(7)
	for _, coding := range []string{"identity", "gzip"} {
		b.Run(coding, func(b *testing.B) {
			c := ut.CreateUtRequestContext("GET", url, nil, ut.Header{Key: "Accept-Encoding", Value: coding}, ut.Header{Key: "Host", Value: "203.0.113.7:10001"})
			var sent app.RequestContext
			c.Request.CopyTo(&sent.Request)
			engine := e.gw.Engine()
			b.ReportAllocs()
			for b.Loop() {
				c.Reset()
				sent.Request.CopyTo(&c.Request)
				engine.ServeHTTP(b.Context(), c)
			}
			if c.Response.StatusCode() != 200 || len(c.Response.Body()) < 1000 {
				b.Fatalf("HTTP %d: %s", c.Response.StatusCode(), c.Response.Body())
			}
			b.ReportMetric(float64(len(c.Response.Body())), "bytes/answer")
		})
	}
}
