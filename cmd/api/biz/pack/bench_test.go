package pack_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
)

// What the benchmarks answer is as long as real answers: a feed page of 30 videos by 30 authors, 20 comments by 20 users.
const (
	benchVideos, benchComments = 30, 20
	benchBase                  = "http://203.0.113.7:10001"
)

func benchProfile(i int64) view.Profile {
	id := 59_853_466_722_560 + i<<13
	return view.Profile{
		ID:       id,
		User:     &user.User{Id: id, Name: "user number " + strconv.FormatInt(i, 10), Signature: "a line that says something"},
		Relation: &social.Relation{FollowCount: 20 + i, FollowerCount: 1000 * i},
		Stats:    &interaction.UserStats{TotalFavorited: 100 * i, FavoriteCount: i}, VideoCount: i,
	}
}

func benchPage() []view.Video {
	videos := make([]view.Video, benchVideos)
	for i := range videos {
		videos[i] = view.Video{
			Video: &video.Video{
				Id: 59_853_466_800_000 + int64(i)<<13, Title: fmt.Sprint("what is to be seen in video ", i),
				PlayKey: fmt.Sprintf("videos/%032x.mp4", i), CoverKey: fmt.Sprintf("covers/%032x.jpg", i),
			},
			Author: benchProfile(int64(i)), Stats: &interaction.VideoStats{FavoriteCount: 1000 * int64(i), CommentCount: 10 * int64(i)},
		}
	}
	return videos
}

// BenchmarkVideos renders a page.
func BenchmarkVideos(b *testing.B) {
	page := benchPage()
	b.ReportAllocs()
	for b.Loop() {
		pack.Videos(benchBase, page)
	}
}

// BenchmarkAnswer writes whole answers, as a handler ends.
func BenchmarkAnswer(b *testing.B) {
	comments := make([]view.Comment, benchComments)
	for i := range comments {
		c := &interaction.Comment{Id: int64(i) << 13, Content: "what somebody says about it", CreatedAtMs: 1_763_000_000_000}
		comments[i] = view.Comment{Comment: c, Author: benchProfile(int64(i))}
	}
	for name, v := range map[string]any{
		"videos":   &api.FavoriteListResponse{StatusMsg: pack.OK, VideoList: pack.Videos(benchBase, benchPage())},
		"comments": &api.CommentListResponse{StatusMsg: pack.OK, CommentList: pack.Comments(benchBase, comments, time.UTC)},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(name+"/"+coding, func(b *testing.B) {
				p, c := pack.New(), app.NewContext(0)
				b.ReportAllocs()
				for b.Loop() {
					c.Reset()
					c.Request.Header.Set("Accept-Encoding", coding)
					p.Answer(c, http.StatusOK, v)
				}
				b.ReportMetric(float64(len(c.Response.Body())), "bytes/answer")
			})
		}
	}
}
