package service

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
)

func (f *fixture) delete(t testing.TB, user, videoID, commentID int64) error {
	t.Helper()
	_, err := f.client.DeleteComment(t.Context(), &interaction.DeleteCommentRequest{UserId: user, VideoId: videoID, CommentId: commentID})
	return err
}

func TestCommentLife(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v, other := videoOf(7, 1), videoOf(7, 2)
		count := func(want int64) {
			t.Helper()
			if n := f.videoStats(t, 101, v).CommentCount; n != want {
				t.Errorf("comment_count is %d, want %d", n, want)
			}
			f.audited(t)
		}
		count(0)
		begin := time.Now().UnixMilli()
		a := f.comment(t, 101, v, "first 👍\n\tsecond line")
		count(1)
		b := f.comment(t, 102, v, "what a BadWord it is")
		c := f.comment(t, 101, other, "elsewhere")
		count(2)

		if a.Content != "first 👍\n\tsecond line" || a.UserId != 101 || a.VideoId != v {
			t.Errorf("answer %+v", a)
		}
		if b.Content != "what a ******* it is" {
			t.Errorf("masked text is %q", b.Content)
		}
		if a.Id <= 0 || a.Id >= b.Id || b.Id >= c.Id {
			t.Errorf("ids %d, %d, %d do not grow", a.Id, b.Id, c.Id)
		}
		if a.CreatedAtMs != id.Time(a.Id).UnixMilli() || a.CreatedAtMs < begin-1 || a.CreatedAtMs > time.Now().UnixMilli()+1 {
			t.Errorf("created at %d, began at %d", a.CreatedAtMs, begin)
		}
		list, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: v})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list, as the answers said", []*interaction.Comment{b, a}, list.Comments)

		for _, tc := range []struct {
			what                 string
			user, video, comment int64
			want                 *errno.Error
		}{
			{"another's", 102, v, a.Id, errno.Forbidden},
			{"below another video", 101, other, a.Id, errno.CommentNotFound},
			{"below an unknown video", 101, 1, a.Id, errno.CommentNotFound},
			{"of nobody", 101, v, idtest.Next(f.ids), errno.CommentNotFound},
			{"0", 101, v, 0, errno.InvalidArgument},
			{"by nobody", 0, v, a.Id, errno.InvalidArgument},
			{"below video -1", 101, -1, a.Id, errno.InvalidArgument},
		} {
			if err := f.delete(t, tc.user, tc.video, tc.comment); !errno.From(err).Is(tc.want) {
				t.Errorf("delete %s: %v, want %v", tc.what, err, tc.want)
			}
		}
		count(2)
		if err := f.delete(t, 101, v, a.Id); err != nil {
			t.Fatal(err)
		}
		count(1)
		same(t, "list after deletion", []int64{b.Id}, f.comments(t, v, 0))
		if err := f.delete(t, 101, v, a.Id); !errno.From(err).Is(errno.CommentNotFound) {
			t.Errorf("second delete: %v, want CommentNotFound", err)
		}
		if err := f.delete(t, 102, v, a.Id); !errno.From(err).Is(errno.CommentNotFound) {
			t.Errorf("delete of another's deleted comment: %v, want CommentNotFound", err)
		}
		count(1)
	})
}

func TestCommentText(t *testing.T) {
	f := onSQLite(t, nil)
	for _, tc := range []struct {
		text, want string
		err        *errno.Error
	}{
		{text: "x", want: "x"},
		{text: strings.Repeat("字", 500), want: strings.Repeat("字", 500)},
		{text: "  kept as sent  ", want: "  kept as sent  "},
		{text: "line\r\nline", want: "line\nline"},
		{text: "👨‍👩‍👧", want: "👨‍👩‍👧"},
		{text: "badword", want: "*******"},
		{text: strings.Repeat("字", 501), err: errno.InvalidArgument},
		{text: strings.Repeat("x", 20_000), err: errno.InvalidArgument},
		{text: "", err: errno.InvalidArgument},
		{text: " \n\t\u3000\u00a0", err: errno.InvalidArgument},
		{text: "\u200b\u200d\ufeff", err: errno.InvalidArgument},
		{text: "a\x00b", err: errno.InvalidArgument},
		{text: "a\x1b[31m", err: errno.InvalidArgument},
		{text: "a\rb", err: errno.InvalidArgument},
		{text: "a\u0085b", err: errno.InvalidArgument},
		{text: "a\xffb", err: errno.InvalidArgument},
	} {
		resp, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: 101, VideoId: videoOf(1, 1), Content: tc.text})
		if tc.err != nil {
			if !errno.From(err).Is(tc.err) {
				t.Errorf("comment %.30q: %v, want %v", tc.text, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("comment %.30q: %v", tc.text, err)
			continue
		}
		list, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: videoOf(1, 1)})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Comment.Content != tc.want || list.Comments[0].Content != tc.want {
			t.Errorf("comment %.30q: answered %.30q, stored %.30q", tc.text, resp.Comment.Content, list.Comments[0].Content)
		}
	}
	if n := f.rows(t, "comments"); n != 6 {
		t.Errorf("%d comments stored, want 6", n)
	}
	f.audited(t)
}

func TestCommentRefused(t *testing.T) {
	f := onSQLite(t, func(d *Deps) { d.Words = filter(t, "refuse") })
	_, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: 101, VideoId: videoOf(1, 1), Content: "a badword"})
	if !errno.From(err).Is(errno.CommentRefused) {
		t.Errorf("comment with a forbidden word: %v, want CommentRefused", err)
	}
	f.comment(t, 101, videoOf(1, 1), "a good word")
	if n := f.rows(t, "comments"); n != 1 {
		t.Errorf("%d comments stored, want 1", n)
	}
}

func TestCommentBadInput(t *testing.T) {
	f := onSQLite(t, nil)
	for _, tc := range []struct {
		user, video int64
		want        *errno.Error
	}{
		{101, videoOf(authors+1, 1), errno.VideoNotFound},
		{101, 0, errno.InvalidArgument},
		{0, videoOf(1, 1), errno.InvalidArgument},
	} {
		_, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: tc.user, VideoId: tc.video, Content: "hi"})
		if !errno.From(err).Is(tc.want) {
			t.Errorf("CreateComment(%d, %d): %v, want %v", tc.user, tc.video, err, tc.want)
		}
	}
	for v, want := range map[int64]*errno.Error{1: errno.VideoNotFound, 0: errno.InvalidArgument, -4: errno.InvalidArgument} {
		if _, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: v}); !errno.From(err).Is(want) {
			t.Errorf("ListComments(%d): %v, want %v", v, err, want)
		}
	}
	if n := f.rows(t, "comments") + f.rows(t, "video_stats"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestListComments(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(3, 1)
		var want []int64
		for n := range 25 {
			c := f.comment(t, 101, v, fmt.Sprint("comment ", n))
			f.comment(t, 101, videoOf(3, 2), "elsewhere")
			if n%5 == 2 {
				if err := f.delete(t, 101, v, c.Id); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want = append(want, c.Id)
		}
		slices.Reverse(want)
		for _, size := range []int32{1, 7, 20, 21, 0} {
			same(t, fmt.Sprintf("list in pages of %d", size), want, f.comments(t, v, size))
		}
		same(t, "list of a video without comments", []int64{}, f.comments(t, videoOf(3, 9), 5))
	})
}

func TestParallelComments(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		v := videoOf(3, 1)
		var wg sync.WaitGroup
		for user := range int64(50) {
			wg.Go(func() {
				f.comment(t, 100+user, v, "stays")
				c := f.comment(t, 100+user, v, "goes")
				if err := f.delete(t, 100+user, v, c.Id); err != nil {
					t.Errorf("delete: %v", err)
				}
			})
		}
		wg.Wait()
		if n := f.videoStats(t, 0, v).CommentCount; n != 50 {
			t.Errorf("comment_count is %d, want 50", n)
		}
		f.audited(t)
	})
}
