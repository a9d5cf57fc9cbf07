package db_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// Every page of every list, of every size, is a piece of the whole list in its order.
func TestThreadLists(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		const video, root = 1000002, 10_000
		fillThreads(t, s, video)
		write(t, s, func(tx *db.Tx) error {
			return errors.Join(tx.DeleteComments([]int64{10_002, 10_003}, 77),
				tx.InsertComments([]db.Comment{{ID: 20_000, VideoID: video + 1, UserID: 1}, {ID: 20_001, VideoID: video, UserID: 1, RootID: 20_000}}))
		})
		ctx := t.Context()
		first := db.First()
		whole, err1 := s.ListThreads(ctx, video, first.ID, 1000)
		top, err2 := s.TopThreads(ctx, video, first, 1000)
		answers, err3 := s.ListReplies(ctx, video, root, 0, 1000)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		if len(whole) != 199 || len(top) != 199 || len(answers) != 199 {
			t.Fatalf("%d threads, %d by likes, %d answers; want 199 each", len(whole), len(top), len(answers))
		}
		byLikes := slices.SortedFunc(slices.Values(whole), func(a, b db.Comment) int {
			return cmp.Or(cmp.Compare(b.LikeCount, a.LikeCount), cmp.Compare(b.ID, a.ID))
		})
		same(t, "by likes", byLikes, top)
		if !slices.IsSortedFunc(answers, func(a, b db.Comment) int { return cmp.Compare(a.ID, b.ID) }) {
			t.Error("answers are not the oldest first")
		}
		for _, size := range []int{1, 3, 40, 198, 199, 200} {
			var byNewest, byTop, byOldest []db.Comment
			for before := first.ID; len(byNewest) < 300; before = byNewest[len(byNewest)-1].ID {
				page, err := s.ListThreads(ctx, video, before, size)
				if err != nil {
					t.Fatal(err)
				}
				if byNewest = append(byNewest, page...); len(page) < size {
					break
				}
			}
			for after := first; len(byTop) < 300; after = placeOf(byTop[len(byTop)-1]) {
				page, err := s.TopThreads(ctx, video, after, size)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range page {
					if !after.Before(c) {
						t.Errorf("comment %d with %d likes is not behind %+v", c.ID, c.LikeCount, after)
					}
				}
				if byTop = append(byTop, page...); len(page) < size {
					break
				}
			}
			for after := int64(0); len(byOldest) < 300; after = byOldest[len(byOldest)-1].ID {
				page, err := s.ListReplies(ctx, video, root, after, size)
				if err != nil {
					t.Fatal(err)
				}
				if byOldest = append(byOldest, page...); len(page) < size {
					break
				}
			}
			same(t, "pages, newest first", whole, byNewest)
			same(t, "pages by likes", top, byTop)
			same(t, "pages of answers", answers, byOldest)
		}
	})
}

func placeOf(c db.Comment) db.Top { return db.Top{Likes: c.LikeCount, ID: c.ID} }

// Counts may come before their comment: then a placeholder keeps them, and nobody sees it.
func TestPlaceholders(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		ctx := t.Context()
		counts := func(likes, replies int64) db.Comment {
			c := db.Placeholder(5, 10)
			c.LikeCount, c.ReplyCount = likes, replies
			return c
		}
		write(t, s, func(tx *db.Tx) error { return tx.AddCommentCounts([]db.Comment{counts(0, 0)}) })
		write(t, s, func(tx *db.Tx) error { return tx.AddCommentCounts([]db.Comment{counts(2, 3)}) })
		rows, err := s.CommentRows(ctx, []int64{5})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "placeholder", map[int64]db.Comment{5: counts(2, 3)}, rows)
		if c := rows[5]; c.Stored() || c.Gone() {
			t.Error("a placeholder is no comment, nor a deleted one")
		}
		for _, list := range []func() ([]db.Comment, error){
			func() ([]db.Comment, error) { return s.ListComments(ctx, 10, 100, 10) },
			func() ([]db.Comment, error) { return s.ListThreads(ctx, 10, 100, 10) },
			func() ([]db.Comment, error) { return s.TopThreads(ctx, 10, db.First(), 10) },
		} {
			if rows, err := list(); err != nil || len(rows) > 0 {
				t.Errorf("a placeholder is listed: %v, %v", rows, err)
			}
		}
		comment := db.Comment{ID: 5, VideoID: 10, UserID: 7, Content: "hi", CreatedAtMs: 1, AuthorID: 8, Mentions: "1,2", LikeCount: 99}
		write(t, s, func(tx *db.Tx) error {
			return errors.Join(tx.FillComments([]db.Comment{comment}), tx.AddCommentCounts([]db.Comment{counts(-1, 1)}))
		})
		comment.LikeCount, comment.ReplyCount = 1, 4
		full, err := s.FullComments(ctx, []int64{5, 6})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "comment", map[int64]db.Comment{5: comment}, full)
	})
}

func TestCommentLikesAndPins(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		ctx := t.Context()
		rows := []db.CommentLike{
			{UserID: 1, CommentID: 5, VideoID: 10, Liked: true, LastEvent: 100, LikedEvent: 100},
			{UserID: 1, CommentID: 6, VideoID: 10, LastEvent: 101},
			{UserID: 2, CommentID: 5, VideoID: 10, Liked: true, LastEvent: 102, LikedEvent: 102},
		}
		write(t, s, func(tx *db.Tx) error { return tx.InsertCommentLikes(rows) })
		err := s.Update(ctx, func(tx *db.Tx) error { return tx.InsertCommentLikes(rows[:1]) })
		if !errors.Is(err, sqldb.ErrDuplicate) {
			t.Errorf("second insert: %v, want ErrDuplicate", err)
		}
		rows[0].Liked, rows[0].LastEvent = false, 110
		keys := []db.CommentLikeKey{{1, 5}, {1, 6}, {2, 5}, {3, 5}}
		write(t, s, func(tx *db.Tx) error {
			err := tx.UpdateCommentLikes(rows[:1])
			got, err2 := tx.CommentLikes(keys)
			same(t, "locked", map[db.CommentLikeKey]db.CommentLike{keys[0]: rows[0], keys[1]: rows[1], keys[2]: rows[2]}, got)
			return errors.Join(err, err2)
		})
		of, err := s.CommentLikesOf(ctx, 1, []int64{5, 6, 7})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "of a user", map[int64]db.CommentLike{5: rows[0], 6: rows[1]}, of)

		for _, step := range []struct{ set, want db.Pin }{
			{db.Pin{VideoID: 10, CommentID: 5, LastEvent: 200}, db.Pin{VideoID: 10, CommentID: 5, LastEvent: 200}},
			{db.Pin{VideoID: 10, CommentID: 6, LastEvent: 199}, db.Pin{VideoID: 10, CommentID: 5, LastEvent: 200}},
			{db.Pin{VideoID: 10, CommentID: 5, LastEvent: 200}, db.Pin{VideoID: 10, CommentID: 5, LastEvent: 200}},
			{db.Pin{VideoID: 10, LastEvent: 201}, db.Pin{VideoID: 10, LastEvent: 201}},
		} {
			write(t, s, func(tx *db.Tx) error { return tx.SetPins([]db.Pin{step.set}) })
			got, err := s.PinRows(ctx, []int64{10, 11})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "pins", map[int64]db.Pin{10: step.want}, got)
		}
		if n, err := s.NewestID(ctx); n != 201 || err != nil {
			t.Errorf("the newest id is %d, %v, want 201", n, err)
		}
	})
}

// A transaction that cannot tell what it takes away takes nothing away.
func TestSweepTells(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		const video, root = 1000002, 10_000
		fillThreads(t, s, video)
		write(t, s, func(tx *db.Tx) error {
			return errors.Join(tx.DeleteComments([]int64{root}, 77), tx.AddVideoStats([]db.VideoStats{{VideoID: video, CommentCount: 399}}),
				tx.AddCommentCounts([]db.Comment{{ID: root, VideoID: video, ReplyCount: 200}}))
		})
		sweep := db.Sweep{RootID: root, VideoID: video}
		broken, told := errors.New("broken"), 0
		tell := quiet()
		tell.Comments = func(deleted []db.Comment) ([]outbox.Message, error) {
			if told = len(deleted); deleted[0].ID != root+1 || deleted[0].Content != "" || deleted[0].ReplyToID != root {
				t.Errorf("told of %+v first", deleted[0])
			}
			return nil, broken
		}
		if done, err := s.Sweep(t.Context(), sweep, tell); done || !errors.Is(err, broken) || told != 200 {
			t.Errorf("done %v, %v, told of %d", done, err, told)
		}
		if left, err := s.ListReplies(t.Context(), video, root, 0, 1000); len(left) != 200 || err != nil {
			t.Errorf("%d answers are left, %v, want all", len(left), err)
		}
		for range 2 {
			if done, err := s.Sweep(t.Context(), sweep, quiet()); !done || err != nil {
				t.Errorf("done %v, %v", done, err)
			}
			stats, err := s.VideoStats(t.Context(), []int64{video})
			if err != nil || stats[video].CommentCount != 199 {
				t.Errorf("comment_count is %d, %v, want 199", stats[video].CommentCount, err)
			}
			if sweeps, err := s.Sweeps(t.Context(), nil); len(sweeps) > 0 || err != nil {
				t.Errorf("still noted: %v, %v", sweeps, err)
			}
		}
		rows, err := s.CommentRows(t.Context(), []int64{root, root + 1})
		if err != nil || rows[root].ReplyCount != 0 || rows[root+1].DeletedEvent != 77 || !rows[root+1].Deleted {
			t.Errorf("%+v, %v", rows, err)
		}
		var texts int64
		if err := raw.Read.Raw("SELECT COUNT(*) FROM comments WHERE deleted AND content <> ''").Scan(&texts).Error; err != nil || texts > 0 {
			t.Errorf("%d deleted comments hold their text, %v", texts, err)
		}
	})
}
