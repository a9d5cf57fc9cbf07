package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/pkg/sqldb"
)

func repair(t *testing.T, s *db.Store) []string {
	t.Helper()
	var lines []string
	told := 0
	n, err := s.Repair(t.Context(), func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) },
		func(_ context.Context, videoID, userID int64) {
			told++
			if line := lines[len(lines)-1]; !strings.Contains(line, fmt.Sprintf("of video %d ", videoID)) &&
				!strings.Contains(line, fmt.Sprintf("of user %d ", userID)) {
				t.Errorf("video %d and user %d are said to have changed, the report is %q", videoID, userID, line)
			}
		})
	ofComments := len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.Contains(line, " of comment ") }))
	if told+ofComments != n {
		t.Errorf("%d counters were repaired, %d of comments, the cache was told of %d", n, ofComments, told)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n != len(lines) {
		t.Errorf("Repair counted %d counters and reported %d", n, len(lines))
	}
	slices.Sort(lines)
	return lines
}

// corrupt makes counters of every kind wrong: too high, too low, missing, without a list, with a wrong author.
func corrupt(t *testing.T, raw *sqldb.DB) {
	t.Helper()
	for _, statement := range []string{
		"UPDATE video_stats SET favorite_count = favorite_count + 1 WHERE video_id = 1000001",
		"UPDATE video_stats SET comment_count = 0 WHERE video_id = 1000002",
		"UPDATE video_stats SET author_id = 2 WHERE video_id = 1000003",
		"DELETE FROM video_stats WHERE video_id = 1000004",
		"UPDATE user_stats SET total_favorited = total_favorited - 1 WHERE user_id = 1",
		"UPDATE user_stats SET favorite_count = 99 WHERE user_id = 2",
		"DELETE FROM user_stats WHERE user_id = 5",
		"INSERT INTO user_stats (user_id, total_favorited, favorite_count) VALUES (77, 1, 0)",
	} {
		if err := raw.Write.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// Counts of comments: of a deleted comment nothing is counted.
func TestRepairComments(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		fill(t, s, 3, 2, 5) // of the first video: comments 1, 2, 3, 5 and the deleted one 4
		const like = "INSERT INTO comment_likes (user_id, comment_id, video_id, liked, last_event, liked_event) VALUES "
		for _, statement := range []string{
			"UPDATE comments SET root_id = 1 WHERE id IN (2, 3, 4)",
			"UPDATE comments SET reply_count = 2, like_count = 2 WHERE id = 1",
			"UPDATE comments SET reply_count = 7, like_count = 7 WHERE id = 4",
			like + "(1, 1, 1000001, TRUE, 1, 1), (2, 1, 1000001, TRUE, 2, 2), (3, 1, 1000001, FALSE, 3, 0), (1, 4, 1000001, TRUE, 1, 1)",
			like + "(1, 999999, 1000001, TRUE, 1, 1)", // its comment is purged
		} {
			if err := raw.Write.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		same(t, "mismatches of a right store", []string(nil), audit(t, s))
		for _, statement := range []string{
			"UPDATE comments SET reply_count = 1 WHERE id = 1",
			"UPDATE comments SET reply_count = 1 WHERE id = 5",
			"UPDATE comments SET like_count = 0 WHERE id = 1",
			"UPDATE comments SET like_count = 9 WHERE id = 3",
		} {
			if err := raw.Write.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		same(t, "mismatches", []string{
			"like_count of comment 1 is 0, its list has 2",
			"like_count of comment 3 is 9, its list has 0",
			"reply_count of comment 1 is 1, its list has 2",
			"reply_count of comment 5 is 1, its list has 0",
		}, audit(t, s))
		same(t, "repairs", []string{
			"like_count of comment 1 was 0, is now 2 as its list",
			"like_count of comment 3 was 9, is now 0 as its list",
			"reply_count of comment 1 was 1, is now 2 as its list",
			"reply_count of comment 5 was 1, is now 0 as its list",
		}, repair(t, s))
		same(t, "mismatches after repair", []string(nil), audit(t, s))
	})
}

func TestRepair(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		fill(t, s, 3, 2, 5)
		same(t, "repairs of a right store", []string(nil), repair(t, s))
		videos, err := s.VideoStats(t.Context(), []int64{1000001, 1000002, 1000003, 1000004})
		if err != nil {
			t.Fatal(err)
		}
		users, err := s.UserStats(t.Context(), []int64{1, 2, 5})
		if err != nil {
			t.Fatal(err)
		}
		corrupt(t, raw)
		if len(audit(t, s)) == 0 {
			t.Error("the audit finds nothing")
		}
		lines := repair(t, s)
		same(t, "mismatches after repair", []string(nil), audit(t, s))
		for _, want := range []string{
			"favorite_count of video 1000001 was 5, is now 4 as its list",
			"favorite_count of user 5 was 0, is now 4 as its list",
			"total_favorited of user 77 was 1, is now 0 as its list",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("%q is not among %q", want, lines)
			}
		}
		gotVideos, err := s.VideoStats(t.Context(), []int64{1000001, 1000002, 1000003, 1000004})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "videos", videos, gotVideos)
		gotUsers, err := s.UserStats(t.Context(), []int64{1, 2, 5})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "users", users, gotUsers)
		same(t, "second repair", []string(nil), repair(t, s))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Repair(ctx, t.Logf, func(context.Context, int64, int64) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("Repair after cancel: %v", err)
		}
	})
}

// Writers go on adding likes and comments to the very rows that are repaired, again and again made wrong in between.
// Nothing of theirs is lost: after a last repair nothing is wrong, and after that nothing becomes wrong.
func TestRepairBesideWriters(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		const author, video = 900, 5000
		// like stores a like and a comment with their counters, as the service does.
		like := func(user int64) {
			err := s.Update(context.WithoutCancel(t.Context()), func(tx *db.Tx) error {
				return errors.Join(
					tx.InsertFavorites([]db.Favorite{{UserID: user, VideoID: video, AuthorID: author, Liked: true, LastEvent: user, LikedEvent: user}}),
					tx.InsertComments([]db.Comment{{ID: user, VideoID: video, UserID: user, Content: "x", CreatedAtMs: user}}),
					tx.AddVideoStats([]db.VideoStats{{VideoID: video, AuthorID: author, FavoriteCount: 1, CommentCount: 1}}),
					tx.AddUserStats([]db.UserStats{{UserID: author, TotalFavorited: 1}, {UserID: user, FavoriteCount: 1}}),
				)
			})
			if err != nil {
				t.Errorf("write: %v", err)
			}
		}
		storm := func(from int64) *sync.WaitGroup {
			var wg sync.WaitGroup
			for w := range int64(4) {
				wg.Go(func() {
					for n := range int64(60) {
						like(from + w*1000 + n)
					}
				})
			}
			return &wg
		}
		like(1000)
		first := storm(10_000)
		for range 10 {
			err := raw.Write.Exec("UPDATE video_stats SET favorite_count = favorite_count + 7, comment_count = comment_count - 3").Error
			if err == nil {
				err = raw.Write.Exec("UPDATE user_stats SET total_favorited = 1 WHERE user_id = 900").Error
			}
			if err != nil {
				t.Fatal(err)
			}
			repair(t, s)
		}
		same(t, "mismatches beside writers", []string(nil), audit(t, s))
		first.Wait()
		same(t, "mismatches after the first storm", []string(nil), audit(t, s))

		second := storm(20_000)
		repair(t, s)
		second.Wait()
		same(t, "mismatches at the end", []string(nil), audit(t, s))
		stats, err := s.VideoStats(t.Context(), []int64{video})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "stats", map[int64]db.VideoStats{video: {VideoID: video, FavoriteCount: 481, CommentCount: 481}}, stats)
	})
}
