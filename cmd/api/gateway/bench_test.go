package gateway_test

import (
	"testing"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/common/ut"

	"tiktok/cmd/api/biz/rpc/rpctest"
	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
)

// BenchmarkFeed is a request for the first feed page through the whole gateway, from the router to the encoded answer,
// without a socket: a viewer with a token, by each API, services that answer from memory, called as the all-in-one calls its own. Limits
// count and let everything through.
func BenchmarkFeed(b *testing.B) {
	const page = 30
	f := &fakes{
		feed: func(*video.FeedRequest) (*video.FeedResponse, error) { return rpctest.Feed(page), nil },
		stats: func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
			return rpctest.Stats(r), nil
		},
		relations: func(r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
			return rpctest.Relations(r), nil
		},
	}
	e := start(b, f, func(d *gateway.Deps) {
		d.Clients = f.connect(b, nil)
		rules := config.Default().Limits
		rules.ReadAddr.Rate, rules.ReadAddr.Burst, rules.ReadUser.Rate, rules.ReadUser.Burst = 1e9, 1e9, 1e9, 1e9
		d.Limits = rules
	})
	for _, try := range []struct{ name, url, token string }{
		{"douyin", "/douyin/feed/?token=" + e.token(7), ""},
		{"v1", "/api/v1/feed", "Bearer " + e.token(7)},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(try.name+"/"+coding, func(b *testing.B) {
				c := ut.CreateUtRequestContext("GET", try.url, nil, ut.Header{Key: "Accept-Encoding", Value: coding},
					ut.Header{Key: "Host", Value: "203.0.113.7:10001"}, ut.Header{Key: "Authorization", Value: try.token})
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
}
