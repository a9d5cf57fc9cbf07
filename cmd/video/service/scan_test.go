package service_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Pages have every listed video once, by id, and none that was deleted. A page costs one statement.
func TestScanVideos(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, nil)
		var all []*video.Video
		for i := range 7 {
			v := f.publish(t, int64(1+i%3), fmt.Sprintf("video %d #tag", i))
			v.MentionedUserIds = []int64{}
			all = append(all, v)
		}
		if _, err := f.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: all[2].AuthorId, VideoId: all[2].Id}); err != nil {
			t.Fatal(err)
		}
		all = append(all[:2:2], all[3:]...)
		count := sqldbtest.CountStatements(sql)
		for limit := 1; limit <= 7; limit++ {
			var got []*video.Video
			for after, more := int64(0), true; more; {
				before := count()
				resp, err := f.ScanVideos(t.Context(), &video.ScanVideosRequest{AfterId: after, Limit: int32(limit)})
				if err != nil {
					t.Fatal(err)
				}
				if n := count() - before; n != 1 {
					t.Errorf("a page costs %d statements", n)
				}
				got = append(got, resp.Videos...)
				if more = len(resp.Videos) == limit; more {
					after = resp.Videos[limit-1].Id
				}
			}
			if diff := cmp.Diff(all, got); diff != "" {
				t.Errorf("in pages of %d: %s", limit, diff)
			}
		}
		for _, bad := range []*video.ScanVideosRequest{{}, {Limit: 1001}, {Limit: -1}, {AfterId: -1, Limit: 1}} {
			if _, err := f.ScanVideos(t.Context(), bad); !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
