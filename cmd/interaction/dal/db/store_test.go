package db_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

const name = "interaction"

// each runs fn on a fresh store of every dialect.
func each(t *testing.T, fn func(t *testing.T, s *db.Store, raw *sqldb.DB)) {
	sqldbtest.Each(t, name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) { fn(t, db.New(raw), raw) })
}

func write(t *testing.T, s *db.Store, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestFavorites(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		rows := []db.Favorite{
			{UserID: 1, VideoID: 10, AuthorID: 100, Liked: true, LastEvent: 1001, LikedEvent: 1001},
			{UserID: 1, VideoID: 11, AuthorID: 100, Liked: true, LastEvent: 1004, LikedEvent: 1002},
			{UserID: 1, VideoID: 12, AuthorID: 101, Liked: false, LastEvent: 1005, LikedEvent: 1003},
			{UserID: 2, VideoID: 10, AuthorID: 100, Liked: true, LastEvent: math.MaxInt64, LikedEvent: 1 << 53},
		}
		write(t, s, func(tx *db.Tx) error { return tx.InsertFavorites(rows) })

		keys := []db.FavoriteKey{{1, 10}, {1, 11}, {1, 12}, {1, 99}, {2, 10}, {2, 11}}
		want := map[db.FavoriteKey]db.Favorite{{1, 10}: rows[0], {1, 11}: rows[1], {1, 12}: rows[2], {2, 10}: rows[3]}
		write(t, s, func(tx *db.Tx) error {
			got, err := tx.Favorites(keys)
			same(t, "rows", want, got)
			return err
		})

		rows[0].Liked, rows[0].LastEvent = false, 1010
		rows[2].Liked, rows[2].LastEvent, rows[2].LikedEvent = true, 1011, 1011
		write(t, s, func(tx *db.Tx) error { return tx.UpdateFavorites([]db.Favorite{rows[0], rows[2]}) })

		list, err := s.ListFavorites(t.Context(), 1, math.MaxInt64, 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list", []db.Favorite{{VideoID: 12, LikedEvent: 1011}, {VideoID: 11, LikedEvent: 1002}}, list)
		list, err = s.ListFavorites(t.Context(), 1, 1011, 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list after the first", []db.Favorite{{VideoID: 11, LikedEvent: 1002}}, list)
		list, err = s.ListFavorites(t.Context(), 1, math.MaxInt64, 1)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list of one", []db.Favorite{{VideoID: 12, LikedEvent: 1011}}, list)

		of, err := s.FavoritesOfUsers(t.Context(), []int64{2, 1, 99}, 2)
		if err != nil {
			t.Fatal(err)
		}
		bare := func(f db.Favorite) db.Favorite { f.AuthorID = 0; return f }
		same(t, "of users", map[int64][]db.Favorite{1: {bare(rows[0]), bare(rows[1])}, 2: {bare(rows[3])}}, of)
		of, err = s.FavoritesOfUsers(t.Context(), nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "of nobody", map[int64][]db.Favorite{}, of)
		got, err := s.FavoriteRows(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		same(
			t,
			"rows without a lock",
			map[db.FavoriteKey]db.Favorite{{1, 10}: rows[0], {1, 11}: rows[1], {1, 12}: rows[2], {2, 10}: rows[3]},
			got,
		)
	})
}

func TestComments(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		long := strings.Repeat("👍", 500)
		rows := []db.Comment{
			{ID: 1, VideoID: 10, UserID: 5, Content: "first", CreatedAtMs: 1_700_000_000_000},
			{ID: 2, VideoID: 10, UserID: 6, Content: long, CreatedAtMs: 1_700_000_000_001},
			{ID: 3, VideoID: 11, UserID: 5, Content: "elsewhere", CreatedAtMs: 1_700_000_000_002},
			{ID: 4, VideoID: 10, UserID: 5, Deleted: true},
			{ID: 5, VideoID: 10, UserID: 5, Content: "a 'quoted' \\ \"text\"\nof two lines ?", CreatedAtMs: 1_700_000_000_003},
		}
		write(t, s, func(tx *db.Tx) error { return tx.InsertComments(rows) })
		write(t, s, func(tx *db.Tx) error {
			got, err := tx.Comments([]int64{1, 4, 7})
			first, gone := rows[0], rows[3]
			first.Content = ""
			same(t, "rows", map[int64]db.Comment{1: first, 4: gone}, got)
			return err
		})

		list, err := s.ListComments(t.Context(), 10, math.MaxInt64, 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list", []db.Comment{rows[4], rows[1], rows[0]}, list)
		list, err = s.ListComments(t.Context(), 10, 5, 1)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "second page", []db.Comment{rows[1]}, list)

		write(t, s, func(tx *db.Tx) error { return tx.DeleteComments([]int64{2, 5}, 9) })
		list, err = s.ListComments(t.Context(), 10, math.MaxInt64, 10)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "list after deletion", []db.Comment{rows[0]}, list)
		var left int64
		if err := raw.Read.Model(&db.Comment{}).Where("deleted = ? AND content <> ''", true).Count(&left).Error; err != nil {
			t.Fatal(err)
		}
		if left != 0 {
			t.Errorf("%d deleted comments still hold their text", left)
		}

		found, err := s.CommentRows(t.Context(), []int64{1, 2, 4, 7})
		if err != nil {
			t.Fatal(err)
		}
		first, second := rows[0], rows[1]
		first.Content, second.Content, second.Deleted, second.DeletedEvent = "", "", true, 9
		same(t, "rows without a lock", map[int64]db.Comment{1: first, 2: second, 4: rows[3]}, found)
	})
}

func TestDuplicateInsert(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		favorite := []db.Favorite{{UserID: 1, VideoID: 2, AuthorID: 3, Liked: true, LastEvent: 4, LikedEvent: 4}}
		comment := []db.Comment{{ID: 1, VideoID: 2, UserID: 3, Content: "hi", CreatedAtMs: 4}}
		insert := func(tx *db.Tx) error {
			return errors.Join(tx.InsertFavorites(favorite), tx.AddUserStats([]db.UserStats{{UserID: 1, FavoriteCount: 1}}))
		}
		write(t, s, insert)
		if err := s.Update(t.Context(), insert); !errors.Is(err, sqldb.ErrDuplicate) {
			t.Errorf("second insert of a favorite: %v, want ErrDuplicate", err)
		}
		write(t, s, func(tx *db.Tx) error { return tx.InsertComments(comment) })
		err := s.Update(t.Context(), func(tx *db.Tx) error { return tx.InsertComments(comment) })
		if !errors.Is(err, sqldb.ErrDuplicate) {
			t.Errorf("second insert of a comment: %v, want ErrDuplicate", err)
		}
		stats, err := s.UserStats(t.Context(), []int64{1})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "stats after a rolled back write", map[int64]db.UserStats{1: {UserID: 1, FavoriteCount: 1}}, stats)
	})
}

func TestAddStats(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		add := func(videos []db.VideoStats, users []db.UserStats) {
			t.Helper()
			write(t, s, func(tx *db.Tx) error { return errors.Join(tx.AddVideoStats(videos), tx.AddUserStats(users)) })
		}
		add([]db.VideoStats{{1, 100, 3, 0, false}, {2, 100, 0, 5, false}}, []db.UserStats{{100, 3, 1}, {101, 0, 7}})
		add([]db.VideoStats{{1, 100, 2, 1, false}, {2, 0, 0, -2, false}, {3, 102, 1, 1, false}}, []db.UserStats{{100, -1, 0}, {102, 1, 1}})
		add(nil, nil)

		videos, err := s.VideoStats(t.Context(), []int64{1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "videos", map[int64]db.VideoStats{1: {1, 0, 5, 1, false}, 2: {2, 0, 0, 3, false}, 3: {3, 0, 1, 1, false}}, videos)
		users, err := s.UserStats(t.Context(), []int64{100, 101, 102, 103})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "users", map[int64]db.UserStats{100: {100, 2, 1}, 101: {101, 0, 7}, 102: {102, 1, 1}}, users)
	})
}

// A batch larger than one statement may be is cut into several, and none of it is lost.
func TestChunks(t *testing.T) {
	check := func(t *testing.T, s *db.Store, _ *sqldb.DB) {
		t.Helper()
		const n = 2500
		var favorites []db.Favorite
		var comments []db.Comment
		var videos []db.VideoStats
		var users []db.UserStats
		var keys []db.FavoriteKey
		var ids []int64
		for i := int64(1); i <= n; i++ {
			favorites = append(favorites, db.Favorite{UserID: i, VideoID: 7, AuthorID: 8, Liked: true, LastEvent: i, LikedEvent: i})
			comments = append(comments, db.Comment{ID: i, VideoID: 7, UserID: i, Content: "x", CreatedAtMs: i})
			videos = append(videos, db.VideoStats{VideoID: i, AuthorID: 8, FavoriteCount: 1})
			users = append(users, db.UserStats{UserID: i, FavoriteCount: 1})
			keys = append(keys, db.FavoriteKey{UserID: i, VideoID: 7})
			ids = append(ids, i)
		}
		write(t, s, func(tx *db.Tx) error {
			return errors.Join(tx.InsertFavorites(favorites), tx.InsertComments(comments), tx.AddVideoStats(videos), tx.AddUserStats(users))
		})
		for i := range favorites {
			favorites[i].LastEvent += n
		}
		write(t, s, func(tx *db.Tx) error {
			return errors.Join(tx.UpdateFavorites(favorites), tx.DeleteComments(ids, n), tx.AddVideoStats(videos), tx.AddUserStats(users))
		})
		write(t, s, func(tx *db.Tx) error {
			rows, err := tx.Favorites(keys)
			if err != nil {
				return err
			}
			found, err := tx.Comments(ids)
			if err != nil {
				return err
			}
			if len(rows) != n || len(found) != n {
				t.Errorf("found %d favorites and %d comments, want %d", len(rows), len(found), n)
			}
			for _, f := range favorites {
				if rows[db.FavoriteKey{UserID: f.UserID, VideoID: f.VideoID}] != f {
					t.Errorf("favorite of user %d is %+v", f.UserID, rows[db.FavoriteKey{UserID: f.UserID, VideoID: f.VideoID}])
					break
				}
			}
			return nil
		})
		stats, err := s.UserStats(t.Context(), []int64{1, 1000, 1001, n})
		if err != nil {
			t.Fatal(err)
		}
		for id, u := range stats {
			if u.FavoriteCount != 2 {
				t.Errorf("user %d: favorite_count %d, want 2", id, u.FavoriteCount)
			}
		}
	}
	each(t, check)
	t.Run("lists", func(t *testing.T) {
		raw := sqldbtest.Lists(t, name, db.Migrations())
		check(t, db.New(raw), raw)
	})
}

// fill stores likes and comments with right counters: users 1..users each like and comment every video of authors.
func fill(t *testing.T, s *db.Store, authors, videosPerAuthor, users int64) {
	t.Helper()
	videoStats, userStats := map[int64]*db.VideoStats{}, map[int64]*db.UserStats{}
	user := func(id int64) *db.UserStats {
		if userStats[id] == nil {
			userStats[id] = &db.UserStats{UserID: id}
		}
		return userStats[id]
	}
	var favorites []db.Favorite
	var comments []db.Comment
	n := int64(0)
	for a := int64(1); a <= authors; a++ {
		for v := range videosPerAuthor {
			video := &db.VideoStats{VideoID: 1_000_000 + v*authors + a, AuthorID: a}
			videoStats[video.VideoID] = video
			for u := int64(1); u <= users; u++ {
				n++
				favorites = append(favorites, db.Favorite{UserID: u, VideoID: video.VideoID, AuthorID: a, Liked: n%3 != 0, LastEvent: n, LikedEvent: n})
				comments = append(comments, db.Comment{ID: n, VideoID: video.VideoID, UserID: u, CreatedAtMs: n, Deleted: n%4 == 0})
				if n%3 != 0 {
					video.FavoriteCount++
					user(u).FavoriteCount++
					user(a).TotalFavorited++
				}
				if n%4 != 0 {
					video.CommentCount++
				}
			}
		}
	}
	var videos []db.VideoStats
	var people []db.UserStats
	for _, v := range videoStats {
		videos = append(videos, *v)
	}
	for _, u := range userStats {
		people = append(people, *u)
	}
	write(t, s, func(tx *db.Tx) error {
		return errors.Join(tx.InsertFavorites(favorites), tx.InsertComments(comments), tx.AddVideoStats(videos), tx.AddUserStats(people))
	})
}

func audit(t *testing.T, s *db.Store) []string {
	t.Helper()
	var lines []string
	n, err := s.Audit(t.Context(), func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	if n != len(lines) {
		t.Errorf("Audit counted %d mismatches and reported %d", n, len(lines))
	}
	slices.Sort(lines)
	return lines
}

func TestAudit(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		fill(t, s, 3, 2, 5)
		same(t, "mismatches of a right store", []string(nil), audit(t, s))

		for _, statement := range []string{
			"UPDATE video_stats SET favorite_count = favorite_count + 1 WHERE video_id = 1000001",
			"UPDATE video_stats SET comment_count = 0 WHERE video_id = 1000002",
			"UPDATE user_stats SET total_favorited = total_favorited - 1 WHERE user_id = 1",
			"UPDATE user_stats SET favorite_count = 99 WHERE user_id = 2",
			"DELETE FROM user_stats WHERE user_id = 5",                                            // a list without a counter
			"INSERT INTO user_stats (user_id, total_favorited, favorite_count) VALUES (77, 1, 0)", // a counter without a list
			"INSERT INTO comments (id, video_id, user_id, content, created_at_ms, deleted) VALUES (9000, 9223372036854775807, 1, 'x', 1, FALSE)",
		} {
			if err := raw.Write.Exec(statement).Error; err != nil {
				t.Fatal(err)
			}
		}
		same(t, "mismatches", []string{
			"comment_count of video 1000002 is 0, its list has 4",
			"comment_count of video 9223372036854775807 is 0, its list has 1",
			"favorite_count of user 2 is 99, its list has 4",
			"favorite_count of user 5 is 0, its list has 4",
			"favorite_count of video 1000001 is 5, its list has 4",
			"total_favorited of user 1 is 6, its list has 7",
			"total_favorited of user 77 is 1, its list has 0",
		}, audit(t, s))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Audit(ctx, t.Logf); !errors.Is(err, context.Canceled) {
			t.Errorf("Audit after cancel: %v", err)
		}
	})
}

// More counters than one range holds, several videos of one author across a range's end, and a mismatch in each range.
func TestAuditRanges(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		fill(t, s, 1300, 2, 1)
		same(t, "mismatches of a right store", []string(nil), audit(t, s))
		err := raw.Write.Exec(
			"UPDATE video_stats SET favorite_count = favorite_count + 1, comment_count = comment_count + 1 WHERE video_id IN (1000001, " +
				"1000900, 1001300, 1002600)",
		).Error
		if err != nil {
			t.Fatal(err)
		}
		if got := audit(t, s); len(got) != 8 {
			t.Errorf("found %d mismatches, want 8: %v", len(got), got)
		}
	})
}

// Every list is read in the order of an index, and everything else by its key: no table is scanned, nothing is sorted.
func TestPlans(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store, raw *sqldb.DB) {
		fill(t, s, 30, 10, 10)
		fillThreads(t, s, 1000002)
		if raw.Dialect() == sqldb.MySQL {
			const tables = "favorites, comments, video_stats, user_stats, comment_likes, comment_pins, comment_sweeps"
			if err := raw.Write.Exec("ANALYZE TABLE " + tables).Error; err != nil {
				t.Fatal(err)
			}
		}
		type statement struct {
			sql  string
			vars []any
		}
		var seen []statement
		note := func(g *gorm.DB) {
			if g.Statement.Schema != nil { // the store's own, not this test's EXPLAIN
				seen = append(seen, statement{g.Statement.SQL.String(), g.Statement.Vars})
			}
		}
		pools := []*gorm.DB{raw.Write}
		if raw.Read != raw.Write {
			pools = append(pools, raw.Read)
		}
		for _, p := range pools {
			if err := p.Callback().Query().After("gorm:query").Register("test:note", note); err != nil {
				t.Fatal(err)
			}
			if err := p.Callback().Row().After("gorm:row").Register("test:note", func(g *gorm.DB) {
				if !strings.HasPrefix(g.Statement.SQL.String(), "EXPLAIN") {
					seen = append(seen, statement{g.Statement.SQL.String(), g.Statement.Vars})
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		ctx := t.Context()
		_, err1 := s.ListFavorites(ctx, 1, 400, 30)
		_, err2 := s.FavoritesOfUsers(ctx, []int64{1, 2, 77}, 500)
		_, err3 := s.ListComments(ctx, 1000001, 400, 30)
		_, err4 := s.CommentRows(ctx, []int64{1, 2})
		_, err5 := s.VideoStats(ctx, []int64{1000001, 1000002})
		_, err6 := s.UserStats(ctx, []int64{1, 2})
		err7 := s.Update(ctx, func(tx *db.Tx) error {
			_, err1 := tx.Favorites([]db.FavoriteKey{{1, 1000001}, {2, 1000002}, {77, 1}})
			_, err2 := tx.Comments([]int64{1, 2, 9999})
			return errors.Join(err1, err2)
		})
		_, _, _, err8 := s.PurgeFavorites(ctx, db.FavoriteKey{UserID: 3, VideoID: 1000005}, 1)
		_, _, _, err9 := s.PurgeComments(ctx, 100, 102)
		_, err10 := s.DeletedVideos(ctx, []int64{1000001, 1000002})
		err11 := s.ForgetVideo(ctx, 1000001, 1, quiet(), func([]int64) {})
		_, err12 := s.ListThreads(ctx, 1000002, 10_200, 30)
		_, err13 := s.TopThreads(ctx, 1000002, db.First(), 5)
		_, err14 := s.TopThreads(ctx, 1000002, db.Top{Likes: 2, ID: 10_040}, 30)
		_, err15 := s.ListReplies(ctx, 1000002, 10_000, 10_050, 30)
		_, err16 := s.FullComments(ctx, []int64{1, 2})
		_, err17 := s.CommentLikesOf(ctx, 1, []int64{10_001, 10_002})
		_, err18 := s.CommentLikeRows(ctx, []db.CommentLikeKey{{1, 10_001}, {2, 10_002}, {77, 1}})
		_, err19 := s.PinRows(ctx, []int64{1000002, 1000003})
		_, err20 := s.Sweeps(ctx, []int64{10_000, 10_001})
		_, err21 := s.Sweep(ctx, db.Sweep{RootID: 10_000, VideoID: 1000002}, quiet())
		_, err23 := s.LikesAfter(ctx, db.FavoriteKey{UserID: 3, VideoID: 5}, 10)
		_, _, _, err22 := s.PurgeCommentLikes(ctx, db.CommentLikeKey{UserID: 3, CommentID: 10_032}, 1)
		if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14, err15, err16, err17,
			err18, err19, err20, err21, err22, err23); err != nil {
			t.Fatal(err)
		}
		wants := []string{
			"favorites_list", "PRIMARY", "comments_list", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY",
			// ForgetVideo: likes that were taken back, then likes until there are none, then comments until there are none.
			"favorites_recount", "favorites_recount", "favorites_recount", "PRIMARY", "favorites_recount",
			"comments_list", "PRIMARY", "comments_list",
			"comments_threads", "comments_top", "comments_top", "comments_top", "comments_threads", "PRIMARY", "PRIMARY", "PRIMARY", "PRIMARY",
			"PRIMARY",
			// Sweep: the comment, its answers, these.
			"PRIMARY", "comments_threads", "PRIMARY",
			"PRIMARY",
			"PRIMARY", "PRIMARY",
		}
		if len(seen) != len(wants) {
			t.Fatalf("noted %d statements, want %d", len(seen), len(wants))
		}
		for i, st := range seen {
			plan := withoutKeys(sqldbtest.Explain(t, raw, st.sql, st.vars...))
			if !strings.Contains(plan, wants[i]) {
				t.Errorf("%s\ndoes not use %s:\n%s", st.sql, wants[i], plan)
			}
			for _, bad := range []string{
				"SCAN favorites", "SCAN comments", "SCAN video_stats", "SCAN user_stats", "SCAN comment_", "TEMP B-TREE", // SQLite
				"type=ALL", "type=index", "filesort", // MySQL
			} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s\nhas %s in its plan:\n%s", st.sql, bad, plan)
				}
			}
		}
	})
}

// fillThreads stores a thread with 200 answers and 200 without, and likes, in no order.
func fillThreads(t *testing.T, s *db.Store, videoID int64) {
	t.Helper()
	const first = 10_000
	var comments []db.Comment
	var likes []db.CommentLike
	for i := range int64(400) {
		c := db.Comment{ID: first + i, VideoID: videoID, UserID: 1 + i%10, Content: "x", CreatedAtMs: i, LikeCount: i * 7 % 5}
		if i%2 == 1 {
			c.RootID, c.ReplyToID = first, first
		}
		comments = append(comments, c)
		for u := int64(1); u <= i*7%5; u++ {
			likes = append(likes, db.CommentLike{UserID: u, CommentID: c.ID, VideoID: videoID, Liked: true, LastEvent: i, LikedEvent: i})
		}
	}
	write(t, s, func(tx *db.Tx) error {
		return errors.Join(tx.InsertComments(comments), tx.InsertCommentLikes(likes), tx.SetPins([]db.Pin{{VideoID: videoID, CommentID: first}}),
			tx.AddSweeps([]db.Sweep{{RootID: first, VideoID: videoID}}))
	})
}

// quiet tells nobody anything.
func quiet() db.Tell {
	return db.Tell{
		Likes:    func([]db.Favorite) ([]outbox.Message, error) { return nil, nil },
		Comments: func([]db.Comment) ([]outbox.Message, error) { return nil, nil },
	}
}

// withoutKeys leaves out the lines of the table of keys and of subqueries, which are of the statement and have no index.
func withoutKeys(plan string) string {
	lines := strings.Split(plan, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, "Table function: json_table") || strings.Contains(l, "table=<")
	}), "\n")
}
