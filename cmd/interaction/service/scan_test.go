package service

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
)

// Pages have every like that is stored once, by its key, and none that was taken back.
func TestScanLikes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		began := time.Now().Add(-time.Second).UnixMilli()
		type pair struct{ user, video int64 }
		var all []pair
		for user := int64(1); user <= 4; user++ {
			for n := range int64(5) {
				f.like(t, user, videoOf(1+n%3, n))
				all = append(all, pair{user, videoOf(1+n%3, n)})
			}
		}
		f.unlike(t, 2, all[7].video)
		all = slices.Delete(all, 7, 8)
		slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.video, b.video)) })
		eventually(t, "likes to be stored", func() bool { // the end of the last one, too
			resp, err := f.client.ScanLikes(t.Context(), &interaction.ScanLikesRequest{Limit: 100})
			return err == nil && len(resp.Likes) == len(all) && resp.Likes[len(all)-1].VideoId == all[len(all)-1].video
		})
		for _, limit := range []int{1, 2, 3, 5, 18, 19, 20} {
			var got []pair
			for after, more := (pair{}), true; more; {
				req := &interaction.ScanLikesRequest{AfterUserId: after.user, AfterVideoId: after.video, Limit: int32(limit)}
				resp, err := f.client.ScanLikes(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				for _, l := range resp.Likes {
					after = pair{l.UserId, l.VideoId}
					got = append(got, after)
					if l.AtMs < began || l.AtMs > time.Now().UnixMilli() {
						t.Errorf("%+v began at another time", l)
					}
				}
				more = len(resp.Likes) == limit
			}
			if diff := gocmp.Diff(all, got, gocmp.AllowUnexported(pair{})); diff != "" {
				t.Errorf("in pages of %d: %s", limit, diff)
			}
		}
		for _, bad := range []*interaction.ScanLikesRequest{
			{}, {Limit: 1001}, {Limit: -1}, {AfterUserId: -1, Limit: 1}, {AfterVideoId: -1, Limit: 1},
		} {
			if _, err := f.client.ScanLikes(t.Context(), bad); !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
