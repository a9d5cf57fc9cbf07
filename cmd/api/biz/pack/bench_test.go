package pack_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
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

// benchUser is put together as the views do it.
func benchUser(i int64) *api.User {
	id := 59_853_466_722_560 + i<<13
	return pack.User(benchBase, id, pack.UserParts{
		Card:     &user.User{Id: id, Name: "user number " + strconv.FormatInt(i, 10), Signature: "a line that says something"},
		Relation: &social.Relation{FollowCount: 20 + i, FollowerCount: 1000 * i},
		Stats:    &interaction.UserStats{TotalFavorited: 100 * i, FavoriteCount: i},
		Works:    i,
	})
}

func benchVideo(i int64) *api.Video {
	v := &video.Video{
		Id: 59_853_466_800_000 + i<<13, Title: fmt.Sprint("what is to be seen in video ", i),
		PlayKey: fmt.Sprintf("videos/%032x.mp4", i), CoverKey: fmt.Sprintf("covers/%032x.jpg", i),
	}
	return pack.Video(benchBase, v, benchUser(i), &interaction.VideoStats{FavoriteCount: 1000 * i, CommentCount: 10 * i}, false)
}

func benchList() []*api.Video {
	videos := make([]*api.Video, benchVideos)
	for i := range videos {
		videos[i] = benchVideo(int64(i))
	}
	return videos
}

func benchPage() *api.FeedResponse {
	return &api.FeedResponse{StatusMsg: pack.OK, VideoList: benchList(), NextTime: 1_763_000_000_000}
}

func encodedPage(b *testing.B) *pack.FeedPage {
	b.Helper()
	page, err := pack.EncodeFeed(benchPage())
	if err != nil {
		b.Fatal(err)
	}
	return page
}

// BenchmarkEncodeFeed encodes the page that all share.
func BenchmarkEncodeFeed(b *testing.B) {
	page := benchPage()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pack.EncodeFeed(page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFeedFlags lays a viewer's flags over it, in a buffer that was used before.
func BenchmarkFeedFlags(b *testing.B) {
	page := encodedPage(b)
	liked := func(i int) bool { return i%3 == 0 }
	followed := func(i int) bool { return i%5 == 0 }
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = page.For(liked, followed).AppendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkPutTogether makes the structs of a page from what the services answer.
func BenchmarkPutTogether(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = benchPage()
	}
}

// BenchmarkAnswer writes whole answers, as a handler ends.
func BenchmarkAnswer(b *testing.B) {
	comments := make([]*api.Comment, benchComments)
	for i := range comments {
		c := &interaction.Comment{Id: int64(i) << 13, Content: "what somebody says about it", CreatedAtMs: 1_763_000_000_000}
		comments[i] = pack.Comment(c, benchUser(int64(i)), time.UTC)
	}
	page := encodedPage(b)
	for name, v := range map[string]any{
		"feed":     page,
		"videos":   &api.FavoriteListResponse{StatusMsg: pack.OK, VideoList: benchList()},
		"comments": &api.CommentListResponse{StatusMsg: pack.OK, CommentList: comments},
	} {
		for _, coding := range []string{"identity", "gzip"} {
			b.Run(name+"/"+coding, func(b *testing.B) {
				p, c := pack.New(), app.NewContext(0)
				b.ReportAllocs()
				for b.Loop() {
					c.Reset()
					c.Request.Header.Set("Accept-Encoding", coding)
					p.Answer(c, v)
				}
				b.ReportMetric(float64(len(c.Response.Body())), "bytes/answer")
			})
		}
	}
}
