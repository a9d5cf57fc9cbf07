package db

import (
	"context"
	"fmt"
	"math"
)

// auditKeys is how many counter rows one audit statement covers.
const auditKeys = 1000

// recount compares one counter with the length of its list.
type recount struct {
	// what names the counter and its key, for the report.
	what string
	// walk is the table and column in whose order the key ranges are cut.
	walkTable, walkColumn string
	// query selects the keys within (?, ?] where counter and list differ, as k, counter, counted. One statement sees
	// both at one moment, so an audit beside writers is exact.
	query string
}

func recounts() []recount {
	return []recount{
		{
			what:      "favorite_count of video",
			walkTable: "video_stats", walkColumn: "author_id",
			query: differing(
				"SELECT video_id AS k, favorite_count AS c, 0 AS n FROM video_stats WHERE author_id > @lo AND author_id <= @hi",
				"SELECT video_id, 0, COUNT(*) FROM favorites WHERE author_id > @lo AND author_id <= @hi AND liked = @yes GROUP BY author_id, video_id"),
		},
		{
			what:      "comment_count of video",
			walkTable: "video_stats", walkColumn: "video_id",
			query: differing(
				"SELECT video_id AS k, comment_count AS c, 0 AS n FROM video_stats WHERE video_id > @lo AND video_id <= @hi",
				"SELECT video_id, 0, COUNT(*) FROM comments WHERE video_id > @lo AND video_id <= @hi AND deleted = @no GROUP BY video_id"),
		},
		{
			what:      "total_favorited of user",
			walkTable: "user_stats", walkColumn: "user_id",
			query: differing(
				"SELECT user_id AS k, total_favorited AS c, 0 AS n FROM user_stats WHERE user_id > @lo AND user_id <= @hi",
				"SELECT author_id, 0, COUNT(*) FROM favorites WHERE author_id > @lo AND author_id <= @hi AND liked = @yes GROUP BY author_id"),
		},
		{
			what:      "favorite_count of user",
			walkTable: "user_stats", walkColumn: "user_id",
			query: differing(
				"SELECT user_id AS k, favorite_count AS c, 0 AS n FROM user_stats WHERE user_id > @lo AND user_id <= @hi",
				"SELECT user_id, 0, COUNT(*) FROM favorites WHERE user_id > @lo AND user_id <= @hi AND liked = @yes GROUP BY user_id"),
		},
	}
}

// differing joins counters and counts from both sides: a counter without a list and a list without a counter both show.
func differing(counters, counts string) string {
	return "SELECT k, SUM(c) AS counter, SUM(n) AS counted FROM (" + counters + " UNION ALL " + counts + ") AS t GROUP BY k HAVING SUM(c) <> SUM(n) ORDER BY k"
}

// Audit recounts every counter and compares, in ranges of keys, so that neither memory nor a lock grows with the tables.
// Each mismatch is reported as one line. It may run beside writers.
func (s *Store) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	for _, r := range recounts() {
		n, err := s.audit(ctx, r, report)
		mismatches += n
		if err != nil {
			return mismatches, fmt.Errorf("recount %s: %w", r.what, err)
		}
	}
	return mismatches, nil
}

func (s *Store) audit(ctx context.Context, r recount, report func(format string, args ...any)) (mismatches int, err error) {
	for lo := int64(0); lo < math.MaxInt64; {
		hi, err := s.rangeEnd(ctx, r, lo)
		if err != nil {
			return mismatches, err
		}
		var rows []struct{ K, Counter, Counted int64 }
		args := map[string]any{"lo": lo, "hi": hi, "yes": true, "no": false}
		if err := s.db.Read.WithContext(ctx).Raw(r.query, args).Scan(&rows).Error; err != nil {
			return mismatches, err
		}
		for _, row := range rows {
			report("%s %d is %d, its list has %d", r.what, row.K, row.Counter, row.Counted)
		}
		mismatches += len(rows)
		lo = hi
	}
	return mismatches, nil
}

// rangeEnd is the last key of the range that begins after lo, and the greatest number there is for the last range, so
// that lists without any counter row are within a range too.
func (s *Store) rangeEnd(ctx context.Context, r recount, lo int64) (int64, error) {
	var keys []int64
	err := s.db.Read.WithContext(ctx).Table(r.walkTable).Where(r.walkColumn+" > ?", lo).
		Order(r.walkColumn).Limit(auditKeys).Pluck(r.walkColumn, &keys).Error
	if err != nil {
		return 0, err
	}
	if len(keys) < auditKeys {
		return math.MaxInt64, nil
	}
	return keys[len(keys)-1], nil
}
