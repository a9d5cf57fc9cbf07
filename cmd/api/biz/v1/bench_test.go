package v1

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/cloudwego/hertz/pkg/app"

	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
)

const benchBase = "http://203.0.113.7:10001"

// benchPage is the feed page of package pack's benchmarks: 30 videos by 30 authors.
func benchPage() []view.Video {
	videos := make([]view.Video, 30)
	for i := range videos {
		n := int64(i)
		id := 59_853_466_722_560 + n<<13
		videos[i] = view.Video{
			Video: &video.Video{
				Id: 59_853_466_800_000 + n<<13, Title: fmt.Sprint("what is to be seen in video ", i), PublishedAtMs: 1_763_000_000_000 + n,
				PlayKey: fmt.Sprintf("videos/%032x.mp4", i), CoverKey: fmt.Sprintf("covers/%032x.jpg", i),
			},
			Author: view.Profile{
				ID: id,
				User: &user.User{
					Id: id, Name: "user number " + strconv.Itoa(i), Signature: "a line that says something", CreatedAtMs: 1_763_000_000_000,
				},
				Relation: &social.Relation{FollowCount: 20 + n, FollowerCount: 1000 * n},
				Stats:    &interaction.UserStats{TotalFavorited: 100 * n, FavoriteCount: n}, VideoCount: n,
			},
			Stats: &interaction.VideoStats{FavoriteCount: 1000 * n, CommentCount: 10 * n},
		}
	}
	return videos
}

// BenchmarkVideos renders a page. Beside it: BenchmarkVideos of package pack.
func BenchmarkVideos(b *testing.B) {
	page := benchPage()
	b.ReportAllocs()
	for b.Loop() {
		renderVideos(benchBase, page)
	}
}

// BenchmarkAnswer writes a whole answer, as a handler ends.
func BenchmarkAnswer(b *testing.B) {
	page := &model.VideoPage{Items: renderVideos(benchBase, benchPage())}
	for _, coding := range []string{"identity", "gzip"} {
		b.Run("videos/"+coding, func(b *testing.B) {
			p, c := pack.New(), app.NewContext(0)
			b.ReportAllocs()
			for b.Loop() {
				c.Reset()
				c.Request.Header.Set("Accept-Encoding", coding)
				p.Answer(c, 200, page)
			}
			b.ReportMetric(float64(len(c.Response.Body())), "bytes/answer")
		})
	}
}
