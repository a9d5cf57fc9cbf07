package service

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Each step is seen by the very next read, although that read was cached before.
func TestFavoriteLife(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const author, fan, other = 7, 101, 102
		v := videoOf(author, 1)
		check := func(step string, count, fanLikes, got int64, isFavorite bool) {
			t.Helper()
			same(t, step+": video as the fan sees it", seenVideo{FavoriteCount: count, IsFavorite: isFavorite}, f.videoStats(t, fan, v))
			same(t, step+": video as a visitor sees it", seenVideo{FavoriteCount: count}, f.videoStats(t, 0, v))
			same(t, step+": fan", interaction.UserStats{FavoriteCount: fanLikes}, f.userStats(t, fan))
			same(t, step+": author", interaction.UserStats{TotalFavorited: got}, f.userStats(t, author))
			f.audited(t)
		}
		check("before", 0, 0, 0, false)
		same(t, "list before", []int64{}, f.favorites(t, fan, 10))
		f.like(t, fan, v)
		check("like", 1, 1, 1, true)
		f.like(t, fan, v)
		check("second like", 1, 1, 1, true)
		f.like(t, other, v)
		check("like of another", 2, 1, 2, true)
		f.unlike(t, fan, v)
		check("unlike", 1, 0, 1, false)
		f.unlike(t, fan, v)
		check("second unlike", 1, 0, 1, false)
		f.like(t, fan, v)
		check("like again", 2, 1, 2, true)
		f.unlike(t, 103, v)
		check("unlike of who never liked", 2, 1, 2, true)
	})
}

func TestOwnVideo(t *testing.T) {
	f := onSQLite(t, nil)
	f.like(t, 5, videoOf(5, 1))
	same(t, "stats", interaction.UserStats{TotalFavorited: 1, FavoriteCount: 1}, f.userStats(t, 5))
	f.unlike(t, 5, videoOf(5, 1))
	same(t, "stats", interaction.UserStats{}, f.userStats(t, 5))
	f.audited(t)
}

func TestListFavorites(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var want []int64
		for n := range int64(25) {
			f.like(t, 101, videoOf(3, n))
			f.like(t, 102, videoOf(4, n))
			want = append(want, videoOf(3, n))
		}
		f.like(t, 101, videoOf(3, 4)) // again: keeps its place
		f.unlike(t, 101, videoOf(3, 5))
		f.unlike(t, 101, videoOf(3, 6))
		f.like(t, 101, videoOf(3, 6)) // anew: now the most recent
		want = slices.DeleteFunc(want, func(v int64) bool { return v == videoOf(3, 5) || v == videoOf(3, 6) })
		want = append(want, videoOf(3, 6))
		slices.Reverse(want)
		for _, size := range []int32{1, 7, 24, 25, 0} {
			same(t, fmt.Sprintf("list in pages of %d", size), want, f.favorites(t, 101, size))
		}
		same(t, "list of nobody", []int64{}, f.favorites(t, 999, 5))
	})
}

func TestFavoriteBadInput(t *testing.T) {
	f := onSQLite(t, nil)
	for _, tc := range []struct {
		user, video int64
		want        *errno.Error
	}{
		{101, videoOf(authors+1, 1), errno.VideoNotFound},
		{101, 1, errno.VideoNotFound},
		{101, 0, errno.InvalidArgument},
		{101, -videoOf(1, 1), errno.InvalidArgument},
		{0, videoOf(1, 1), errno.InvalidArgument},
		{-1, videoOf(1, 1), errno.InvalidArgument},
	} {
		_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: tc.user, VideoId: tc.video})
		if !errno.From(err).Is(tc.want) {
			t.Errorf("Favorite(%d, %d): %v, want %v", tc.user, tc.video, err, tc.want)
		}
		_, err = f.client.Unfavorite(t.Context(), &interaction.UnfavoriteRequest{UserId: tc.user, VideoId: tc.video})
		if !errno.From(err).Is(tc.want) {
			t.Errorf("Unfavorite(%d, %d): %v, want %v", tc.user, tc.video, err, tc.want)
		}
	}
	for _, p := range []*common.Page{
		{Limit: -1},
		{Limit: common.MAX_BATCH + 1},
		{Cursor: "x"},
		{Cursor: "-5"},
		{Cursor: "0"},
		{Cursor: "1.5"},
		{Cursor: "99999999999999999999"},
	} {
		_, err := f.client.ListFavorites(t.Context(), &interaction.ListFavoritesRequest{UserId: 101, Page: p})
		if !errno.From(err).Is(errno.InvalidArgument) {
			t.Errorf("ListFavorites of %+v: %v, want InvalidArgument", p, err)
		}
	}
	if _, err := f.client.ListFavorites(t.Context(), &interaction.ListFavoritesRequest{}); !errno.From(err).Is(errno.InvalidArgument) {
		t.Errorf("ListFavorites of user 0: %v, want InvalidArgument", err)
	}
	resp, err := f.client.ListFavorites(t.Context(), &interaction.ListFavoritesRequest{UserId: 101})
	if err != nil || len(resp.VideoIds) != 0 {
		t.Errorf("ListFavorites without a page: %v, %v", resp, err)
	}
	if n := f.rows(t, "favorites") + f.rows(t, "video_stats") + f.rows(t, "user_stats"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

// rows counts the rows of a table.
func (f *fixture) rows(t testing.TB, table string) int64 {
	t.Helper()
	var n int64
	if err := f.raw.Read.WithContext(t.Context()).Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestParallelLikes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		byOne, byMany := videoOf(1, 1), videoOf(2, 1)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { f.like(t, 101, byOne) })
		}
		for user := range int64(50) {
			wg.Go(func() { f.like(t, 200+user, byMany) })
		}
		wg.Wait()
		if n := f.videoStats(t, 101, byOne); n.FavoriteCount != 1 || !n.IsFavorite {
			t.Errorf("100 likes of one user: %+v", n)
		}
		if n := f.videoStats(t, 0, byMany); n.FavoriteCount != 50 {
			t.Errorf("likes of 50 users count %d", n.FavoriteCount)
		}
		if u := f.userStats(t, 2); u.TotalFavorited != 50 {
			t.Errorf("author has %d likes, want 50", u.TotalFavorited)
		}
		f.audited(t)
	})
}

func TestVideoServiceAway(t *testing.T) {
	f := onSQLite(t, nil)
	for _, tc := range []struct {
		err  error
		want *errno.Error
	}{
		{context.DeadlineExceeded, errno.Unavailable},
		{errors.New("a table is broken"), errno.Internal},
		{errno.Unavailable, errno.Unavailable},
	} {
		f.videos.err.Store(&tc.err)
		_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: 101, VideoId: videoOf(1, 1)})
		if !errno.From(err).Is(tc.want) {
			t.Errorf("Favorite when the video service says %v: %v, want %v", tc.err, err, tc.want)
		}
		_, err = f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: videoOf(1, 1)})
		if !errno.From(err).Is(tc.want) {
			t.Errorf("ListComments when the video service says %v: %v, want %v", tc.err, err, tc.want)
		}
	}
	if n := f.rows(t, "favorites"); n != 0 {
		t.Errorf("%d likes stored", n)
	}
}

// BenchmarkFavorite is 256 users at a time who like one video, through the codec and the in-process queue to SQLite.
func BenchmarkFavorite(b *testing.B) {
	f := newFixture(b, sqldbtest.SQLite(b, Name, db.Migrations()), nil)
	var user atomic.Int64
	b.SetParallelism(256 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f.like(b, user.Add(1), videoOf(1, 1))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "likes/s")
}
