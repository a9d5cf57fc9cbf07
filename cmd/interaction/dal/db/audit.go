package db

import (
	"context"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

// auditKeys is how many counter rows one audit statement covers.
const auditKeys = 1000

// recount compares one counter with the length of its list.
type recount struct {
	// what names the counter and its key, for the report.
	what string
	// of is what the key names.
	of keyOf
	// walk is the table and column in whose order the key ranges are cut.
	walkTable, walkColumn string
	// query selects the keys within (@lo, @hi] where counter and list differ, as k, a, counter, counted; a is the
	// author, where the counter is found by it. One statement sees both at one moment, so an audit beside writers is
	// exact.
	query string
	// lock makes sure that the counter of k has a row, and locks it.
	lock func(tx *Tx, k, author int64) error
	// count selects a, counter and counted of k, and set stores counted as @n.
	count, set string
}

// keyOf is what the key of a counter names.
type keyOf int

const (
	ofVideo keyOf = iota
	ofUser
	ofComment
)

func recounts() []recount {
	video := func(tx *Tx, k, author int64) error {
		return tx.AddVideoStats([]VideoStats{{VideoID: k, AuthorID: author}})
	}
	user := func(tx *Tx, k, _ int64) error { return tx.AddUserStats([]UserStats{{UserID: k}}) }
	comment := func(tx *Tx, k, _ int64) error {
		_, err := tx.Comments([]int64{k})
		return err
	}
	return []recount{
		{
			what:      "favorite_count of video",
			walkTable: "video_stats", walkColumn: "author_id",
			query: differing(
				"SELECT video_id AS k, author_id AS a, favorite_count AS c, 0 AS n FROM video_stats WHERE author_id > @lo AND author_id <= @hi",
				"SELECT video_id, author_id, 0, COUNT(*) FROM favorites "+
					"WHERE author_id > @lo AND author_id <= @hi AND liked = @yes GROUP BY author_id, video_id"),
			lock: video,
			count: `SELECT author_id AS a, favorite_count AS counter,
				(SELECT COUNT(*) FROM favorites WHERE author_id = @a AND video_id = @k AND liked = @yes) AS counted
				FROM video_stats WHERE video_id = @k`,
			// A row that was made for a list of comments does not know the author.
			set: "UPDATE video_stats SET author_id = @a, favorite_count = @n WHERE video_id = @k",
		},
		{
			what:      "comment_count of video",
			walkTable: "video_stats", walkColumn: "video_id",
			query: differing(
				"SELECT video_id AS k, 0 AS a, comment_count AS c, 0 AS n FROM video_stats WHERE video_id > @lo AND video_id <= @hi",
				"SELECT video_id, 0, 0, COUNT(*) FROM comments WHERE video_id > @lo AND video_id <= @hi AND deleted = @no GROUP BY video_id"),
			lock: video,
			count: `SELECT 0 AS a, comment_count AS counter,
				(SELECT COUNT(*) FROM comments WHERE video_id = @k AND deleted = @no) AS counted
				FROM video_stats WHERE video_id = @k`,
			set: "UPDATE video_stats SET comment_count = @n WHERE video_id = @k",
		},
		{
			what:      "total_favorited of user",
			of:        ofUser,
			walkTable: "user_stats", walkColumn: "user_id",
			query: differing(
				"SELECT user_id AS k, 0 AS a, total_favorited AS c, 0 AS n FROM user_stats WHERE user_id > @lo AND user_id <= @hi",
				"SELECT author_id, 0, 0, COUNT(*) FROM favorites WHERE author_id > @lo AND author_id <= @hi AND liked = @yes GROUP BY author_id"),
			lock: user,
			count: `SELECT 0 AS a, total_favorited AS counter,
				(SELECT COUNT(*) FROM favorites WHERE author_id = @k AND liked = @yes) AS counted
				FROM user_stats WHERE user_id = @k`,
			set: "UPDATE user_stats SET total_favorited = @n WHERE user_id = @k",
		},
		{
			what:      "favorite_count of user",
			of:        ofUser,
			walkTable: "user_stats", walkColumn: "user_id",
			query: differing(
				"SELECT user_id AS k, 0 AS a, favorite_count AS c, 0 AS n FROM user_stats WHERE user_id > @lo AND user_id <= @hi",
				"SELECT user_id, 0, 0, COUNT(*) FROM favorites WHERE user_id > @lo AND user_id <= @hi AND liked = @yes GROUP BY user_id"),
			lock: user,
			count: `SELECT 0 AS a, favorite_count AS counter,
				(SELECT COUNT(*) FROM favorites WHERE user_id = @k AND liked = @yes) AS counted
				FROM user_stats WHERE user_id = @k`,
			set: "UPDATE user_stats SET favorite_count = @n WHERE user_id = @k",
		},
		{
			// Of a deleted comment nothing is counted any more: its answers are being deleted, its likes stay until it is purged.
			what:      "reply_count of comment",
			of:        ofComment,
			walkTable: "video_stats", walkColumn: "video_id",
			query: differing(
				"SELECT id AS k, 0 AS a, reply_count AS c, 0 AS n FROM comments "+
					"WHERE video_id > @lo AND video_id <= @hi AND root_id = 0 AND deleted = @no AND reply_count <> 0",
				"SELECT a.root_id, 0, 0, COUNT(*) FROM comments AS a JOIN comments AS r ON r.id = a.root_id AND r.deleted = @no "+
					"WHERE a.video_id > @lo AND a.video_id <= @hi AND a.root_id > 0 AND a.deleted = @no GROUP BY a.root_id"),
			lock: comment,
			count: `SELECT 0 AS a, reply_count AS counter,
				(SELECT COUNT(*) FROM comments AS a WHERE a.video_id = r.video_id AND a.root_id = @k AND a.deleted = @no) AS counted
				FROM comments AS r WHERE id = @k AND deleted = @no`,
			set: "UPDATE comments SET reply_count = @n WHERE id = @k",
		},
		{
			what:      "like_count of comment",
			of:        ofComment,
			walkTable: "comments", walkColumn: "id",
			query: differing(
				"SELECT id AS k, 0 AS a, like_count AS c, 0 AS n FROM comments WHERE id > @lo AND id <= @hi AND deleted = @no AND like_count <> 0",
				"SELECT l.comment_id, 0, 0, COUNT(*) FROM comment_likes AS l JOIN comments AS r ON r.id = l.comment_id AND r.deleted = @no "+
					"WHERE l.comment_id > @lo AND l.comment_id <= @hi AND l.liked = @yes GROUP BY l.comment_id"),
			lock: comment,
			count: `SELECT 0 AS a, like_count AS counter,
				(SELECT COUNT(*) FROM comment_likes WHERE comment_id = @k AND liked = @yes) AS counted
				FROM comments WHERE id = @k AND deleted = @no`,
			set: "UPDATE comments SET like_count = @n WHERE id = @k",
		},
	}
}

// differing joins counters and counts from both sides: a counter without a list and a list without a counter both show.
func differing(counters, counts string) string {
	return "SELECT k, MAX(a) AS a, SUM(c) AS counter, SUM(n) AS counted FROM (" + counters + " UNION ALL " + counts +
		") AS t GROUP BY k HAVING SUM(c) <> SUM(n) ORDER BY k"
}

// mismatch is a counter that differs from its list.
type mismatch struct {
	K       int64
	A       int64
	Counter int64
	Counted int64
}

// Counters is how many counters Audit recounts.
func (s *Store) Counters(ctx context.Context) (n int64, err error) {
	const query = "SELECT 2 * (SELECT COUNT(*) FROM video_stats) + 2 * (SELECT COUNT(*) FROM user_stats) + 2 * (SELECT COUNT(*) FROM comments)"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters: %w", sqldb.Translate(err))
	}
	return n, nil
}

// Audit recounts every counter and compares, in ranges of keys, so that neither memory nor a lock grows with the tables.
// Each mismatch is reported as one line. It may run beside writers.
func (s *Store) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	for _, r := range recounts() {
		err := s.walk(ctx, r, func(m mismatch) error {
			mismatches++
			report("%s %d is %d, its list has %d", r.what, m.K, m.Counter, m.Counted)
			return nil
		})
		if err != nil {
			return mismatches, fmt.Errorf("recount %s: %w", r.what, err)
		}
	}
	return mismatches, nil
}

// Repair sets every counter that differs from its list to the list's length, and reports each as one line. It may run
// beside writers: each counter is counted again and set in a transaction of its own, with its row locked, and whoever
// stores a change of the list waits for that row before it counts. After each counter of a video or a user that was set changed
// is called, so that caches hear of it; either of its ids is 0. Those of comments are not cached.
func (s *Store) Repair(
	ctx context.Context, report func(format string, args ...any), changed func(ctx context.Context, videoID, userID int64),
) (repaired int, err error) {
	for _, r := range recounts() {
		err := s.walk(ctx, r, func(m mismatch) error {
			before, set, err := s.repair(ctx, r, m)
			if set {
				repaired++
				report("%s %d was %d, is now %d as its list", r.what, m.K, before.Counter, before.Counted)
				switch r.of {
				case ofUser:
					changed(ctx, 0, m.K)
				case ofVideo:
					changed(ctx, m.K, 0)
				}
			}
			return err
		})
		if err != nil {
			return repaired, fmt.Errorf("repair %s: %w", r.what, err)
		}
	}
	return repaired, nil
}

func (s *Store) repair(ctx context.Context, r recount, m mismatch) (before mismatch, changed bool, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		if err := r.lock(tx, m.K, m.A); err != nil {
			return err
		}
		// The row is locked since the statement before. So the list that this one sees is that of all whose change of
		// the counter it sees, and it locks nothing that a writer could hold while waiting for the row.
		before = mismatch{}
		args := map[string]any{"k": m.K, "a": m.A, "yes": true, "no": false}
		if err := tx.tx.Raw(r.count, args).Scan(&before).Error; err != nil {
			return err
		}
		changed = before.Counter != before.Counted || before.A != m.A
		if !changed {
			return nil
		}
		args["n"] = before.Counted
		return tx.tx.Exec(r.set, args).Error
	})
	return before, changed && err == nil, err
}

// walk calls fn for each counter that differs from its list.
func (s *Store) walk(ctx context.Context, r recount, fn func(m mismatch) error) error {
	for lo := int64(0); lo < math.MaxInt64; {
		hi, err := s.rangeEnd(ctx, r, lo)
		if err != nil {
			return err
		}
		var rows []mismatch
		args := map[string]any{"lo": lo, "hi": hi, "yes": true, "no": false}
		if err := s.Read.WithContext(ctx).Raw(r.query, args).Scan(&rows).Error; err != nil {
			return err
		}
		for _, m := range rows {
			if err := fn(m); err != nil {
				return err
			}
		}
		lo = hi
	}
	return nil
}

// rangeEnd is the last key of the range that begins after lo, and the greatest number there is for the last range, so
// that lists without any counter row are within a range too.
func (s *Store) rangeEnd(ctx context.Context, r recount, lo int64) (int64, error) {
	var keys []int64
	err := s.Read.WithContext(ctx).Table(r.walkTable).Where(r.walkColumn+" > ?", lo).
		Order(r.walkColumn).Limit(auditKeys).Pluck(r.walkColumn, &keys).Error
	if err != nil {
		return 0, err
	}
	if len(keys) < auditKeys {
		return math.MaxInt64, nil
	}
	return keys[len(keys)-1], nil
}
