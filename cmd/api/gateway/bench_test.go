package gateway_test

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/common/ut"

	"tiktok/cmd/api/biz/rpc/rpctest"
	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
)

const benchPage = 30

// benchGateway is a gateway with services that answer a page of the feed from memory, called as the all-in-one calls its own. Limits count
// and let everything through.
func benchGateway(b *testing.B) *env {
	page := rpctest.Feed(benchPage)
	videos, chosen := map[int64]*video.Video{}, &discovery.FeedAnswer{NextCursor: "30-1"}
	for i, v := range page.Videos {
		videos[v.Id] = v
		chosen.Videos = append(chosen.Videos, &discovery.Recommended{VideoId: v.Id, Reason: discovery.Reason(1 + i%2)})
	}
	f := &fakes{
		feed: func(*video.FeedRequest) (*video.FeedResponse, error) { return page, nil },
		mgetVideos: func(*video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
			return &video.MGetVideosResponse{Videos: videos}, nil
		},
		stats: func(r *interaction.MGetStatsRequest) (*interaction.MGetStatsResponse, error) {
			return rpctest.Stats(r), nil
		},
		relations: func(r *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
			return rpctest.Relations(r), nil
		},
		views: watchedOften,
		recommend: func(r *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
			return &discovery.MRecommendResponse{Answers: slices.Repeat([]*discovery.FeedAnswer{chosen}, len(r.Queries))}, nil
		},
	}
	return start(b, f, func(d *gateway.Deps) {
		d.Clients = f.connect(b, nil)
		rules := config.Default().Limits
		rules.ReadAddr.Rate, rules.ReadAddr.Burst, rules.ReadUser.Rate, rules.ReadUser.Burst = 1e9, 1e9, 1e9, 1e9
		d.Limits = rules
	})
}

// benchGet answers requests for a page through the whole gateway, from the router to the encoded answer, without a socket.
func benchGet(b *testing.B, e *env, url, coding, token string) {
	b.Helper()
	c := ut.CreateUtRequestContext("GET", url, nil, ut.Header{Key: "Accept-Encoding", Value: coding},
		ut.Header{Key: "Host", Value: "203.0.113.7:10001"}, ut.Header{Key: "Authorization", Value: token})
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
}

// BenchmarkFeed is a request for the first feed page by a viewer with a token, by each API.
func BenchmarkFeed(b *testing.B) {
	e := benchGateway(b)
	for _, try := range []struct{ name, url, token string }{
		{"douyin", "/douyin/feed/?token=" + e.token(7), ""},
		{"v1", "/api/v1/feed", "Bearer " + e.token(7)},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(try.name+"/"+coding, func(b *testing.B) { benchGet(b, e, try.url, coding, try.token) })
		}
	}
}

// BenchmarkForYou is a request for a page that is chosen for a viewer: one after the other, and by many viewers at a time, who share calls.
func BenchmarkForYou(b *testing.B) {
	const viewers, url = 32, "/api/v1/feeds/for-you"
	e := benchGateway(b)
	b.Run("alone", func(b *testing.B) { benchGet(b, e, url, "identity", "Bearer "+e.token(7)) })
	b.Run("together", func(b *testing.B) {
		engine := e.gw.Engine()
		var next atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(max(1, viewers/runtime.GOMAXPROCS(0)))
		b.RunParallel(func(pb *testing.PB) {
			c := ut.CreateUtRequestContext("GET", url, nil, ut.Header{Key: "Host", Value: "203.0.113.7:10001"},
				ut.Header{Key: "Authorization", Value: "Bearer " + e.token(next.Add(1))})
			var sent app.RequestContext
			c.Request.CopyTo(&sent.Request)
			for pb.Next() {
				c.Reset()
				sent.Request.CopyTo(&c.Request)
				engine.ServeHTTP(b.Context(), c)
				if c.Response.StatusCode() != 200 || len(c.Response.Body()) < 1000 {
					b.Errorf("HTTP %d: %s", c.Response.StatusCode(), c.Response.Body())
				}
			}
		})
	})
}
