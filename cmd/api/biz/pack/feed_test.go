package pack_test

import (
	"testing"

	hjson "github.com/cloudwego/hertz/pkg/common/json"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
)

// An encoded page with flags has the bytes that the encoder would write, whatever the texts in it are.
func TestFeedPage(t *testing.T) {
	texts := []string{"a title", `"is_follow":false,"is_favorite":false`, `\"is_follow\":false`, "", "狗<&>\u2028\"", `"video_list":[`}
	for n := range len(texts) + 1 {
		page := func() *api.FeedResponse {
			r := &api.FeedResponse{StatusMsg: pack.OK, NextTime: 17, VideoList: []*api.Video{}}
			for i, text := range texts[:n] {
				r.VideoList = append(r.VideoList, &api.Video{
					ID: int64(i), Title: text, PlayURL: text,
					Author: &api.User{ID: 5, Name: text, Signature: text, Avatar: text, FollowCount: 1},
				})
			}
			return r
		}
		encoded, err := pack.EncodeFeed(page())
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, got []byte, r *api.FeedResponse) {
			t.Helper()
			want, err := hjson.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%d videos, %s:\n%s", n, what, diff)
			}
		}
		never := func(int) bool { return false }
		check("visitor", encoded.For(never, never).AppendJSON(nil), page())
		for flags := range 4 {
			liked := func(i int) bool { return i%2 == flags%2 }
			followed := func(i int) bool { return i/2%2 == flags/2 }
			r := page()
			for i, v := range r.VideoList {
				v.IsFavorite, v.Author.IsFollow = liked(i), followed(i)
			}
			check("viewer", encoded.For(liked, followed).AppendJSON(nil), r)
			check("after something", encoded.For(liked, followed).AppendJSON([]byte("x"))[1:], r)
		}
	}
}
