package db

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// auditRows is how many rows of counters one statement of an audit covers.
const auditRows = 1000

// WatchCounters is how many counters AuditWatches recounts.
func (s *Store) WatchCounters(ctx context.Context) (n int64, err error) {
	const query = "SELECT 3 * (SELECT COUNT(*) FROM video_watches) + 2 * (SELECT COUNT(DISTINCT author_id) FROM author_days)"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters of watches: %w", sqldb.Translate(err))
	}
	return n, nil
}

// wrongVideo is a video whose counters are not what its sessions say.
type wrongVideo struct {
	VideoID                                   int64
	Views, Finishes, WatchedMs                int64
	WantedViews, WantedFinishes, WantedTimeMs int64
}

// wrongVideos selects the videos within (@lo, @hi] whose counters are not those of what is archived and of their sessions. One statement
// sees both at one moment, so an audit beside writers is exact.
const wrongVideos = `SELECT video_id, SUM(v) AS views, SUM(f) AS finishes, SUM(m) AS watched_ms,
		SUM(wv) AS wanted_views, SUM(wf) AS wanted_finishes, SUM(wm) AS wanted_time_ms
	FROM (SELECT video_id, views AS v, finishes AS f, watched_ms AS m,
			archived_views AS wv, archived_finishes AS wf, archived_ms AS wm
		FROM video_watches WHERE video_id > @lo AND video_id <= @hi
		UNION ALL SELECT video_id, 0, 0, 0, COUNT(*), SUM(CASE WHEN finished = @yes THEN 1 ELSE 0 END), SUM(watched_ms)
		FROM watch_sessions WHERE video_id > @lo AND video_id <= @hi GROUP BY video_id) AS t
	GROUP BY video_id HAVING SUM(v) <> SUM(wv) OR SUM(f) <> SUM(wf) OR SUM(m) <> SUM(wm) ORDER BY video_id`

// wrongAuthor is an author whose days do not add up to what their videos have.
type wrongAuthor struct {
	AuthorID                    int64
	Views, Finishes             int64
	WantedViews, WantedFinishes int64
}

// wrongAuthors selects the authors within (@lo, @hi] whose days do not add up to what their videos have.
const wrongAuthors = `SELECT author_id, SUM(v) AS views, SUM(f) AS finishes, SUM(wv) AS wanted_views, SUM(wf) AS wanted_finishes
	FROM (SELECT author_id, views AS v, finishes AS f, 0 AS wv, 0 AS wf FROM author_days WHERE author_id > @lo AND author_id <= @hi
		UNION ALL SELECT author_id, 0, 0, views, finishes FROM video_watches WHERE author_id > @lo AND author_id <= @hi) AS t
	GROUP BY author_id HAVING SUM(v) <> SUM(wv) OR SUM(f) <> SUM(wf) ORDER BY author_id`

// AuditWatches recounts views, finishes and watched time of every video, and compares the days of authors with what their videos have, in
// ranges of keys, so that neither memory nor a lock grows with the tables. Each mismatch is reported as one line. It may run beside
// writers.
func (s *Store) AuditWatches(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	err = eachWrong(ctx, s.DB, "video_watches", "video_id", wrongVideos, func(w wrongVideo) error {
		mismatches++
		report("video %d has %d views, %d finishes, %d ms; its sessions have %d, %d, %d",
			w.VideoID, w.Views, w.Finishes, w.WatchedMs, w.WantedViews, w.WantedFinishes, w.WantedTimeMs)
		return nil
	})
	if err != nil {
		return mismatches, fmt.Errorf("recount watches of videos: %w", err)
	}
	err = eachWrong(ctx, s.DB, "video_watches", "author_id", wrongAuthors, func(w wrongAuthor) error {
		mismatches++
		report("the days of author %d have %d views, %d finishes; the videos have %d, %d",
			w.AuthorID, w.Views, w.Finishes, w.WantedViews, w.WantedFinishes)
		return nil
	})
	if err != nil {
		return mismatches, fmt.Errorf("recount days of authors: %w", err)
	}
	return mismatches, nil
}

// eachWrong calls fn with each row of a query of ranges of keys.
func eachWrong[T any](ctx context.Context, db *sqldb.DB, table, column, query string, fn func(T) error) error {
	read := db.Read.WithContext(ctx)
	for lo := int64(0); lo < math.MaxInt64; {
		hi, err := rangeEnd(read, table, column, lo)
		if err != nil {
			return err
		}
		rows, err := sqldb.Rows[T]{Query: read.Raw(query, map[string]any{"lo": lo, "hi": hi, "yes": true})}.All()
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		lo = hi
	}
	return nil
}

// rangeEnd is the last key of the range that begins after lo, and the greatest number there is for the last range, so that what has no row
// of counters is within a range, too.
func rangeEnd(read *gorm.DB, table, column string, lo int64) (int64, error) {
	var keys []int64
	err := read.Table(table).Where(column+" > ?", lo).Order(column).Limit(auditRows).Pluck(column, &keys).Error
	if err != nil {
		return 0, sqldb.Translate(err)
	}
	if len(keys) < auditRows {
		return math.MaxInt64, nil
	}
	return keys[len(keys)-1], nil
}

// RepairWatches makes the counters what the sessions say, then the days of authors what their videos have, and reports each as one line.
// It may run beside writers: what is missing is read by one statement, and added. After each video that was changed changed is called, so
// that caches hear of it.
func (s *Store) RepairWatches(
	ctx context.Context, report func(format string, args ...any), changed func(ctx context.Context, videoID int64),
) (repaired int, err error) {
	err = eachWrong(ctx, s.DB, "video_watches", "video_id", wrongVideos, func(w wrongVideo) error {
		found, err := s.repairVideo(ctx, w.VideoID)
		if err != nil || found == nil {
			return err
		}
		repaired++
		report("video %d had %d views, %d finishes, %d ms; it has %d, %d, %d now as its sessions",
			w.VideoID, found.Views, found.Finishes, found.WatchedMs, found.WantedViews, found.WantedFinishes, found.WantedTimeMs)
		changed(ctx, w.VideoID)
		return nil
	})
	if err != nil {
		return repaired, fmt.Errorf("repair watches of videos: %w", err)
	}
	err = eachWrong(ctx, s.DB, "video_watches", "author_id", wrongAuthors, func(w wrongAuthor) error {
		found, err := s.repairAuthor(ctx, w.AuthorID)
		if err != nil || found == nil {
			return err
		}
		repaired++
		report("the days of author %d had %d views, %d finishes; they have %d, %d now as the videos",
			w.AuthorID, found.Views, found.Finishes, found.WantedViews, found.WantedFinishes)
		return nil
	})
	if err != nil {
		return repaired, fmt.Errorf("repair days of authors: %w", err)
	}
	return repaired, nil
}

// repairVideo adds what is missing. It returns nil when nothing was.
func (s *Store) repairVideo(ctx context.Context, videoID int64) (found *wrongVideo, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		found = nil
		rows, err := sqldb.Rows[wrongVideo]{
			Query: tx.Raw(wrongVideos, map[string]any{"lo": videoID - 1, "hi": videoID, "yes": true}),
		}.All()
		if err != nil || len(rows) == 0 {
			return err
		}
		found = &rows[0]
		// Whose video it is without a row of counters nobody knows; the next watch does not say it either.
		add := VideoWatches{
			VideoID: videoID, Views: found.WantedViews - found.Views, Finishes: found.WantedFinishes - found.Finishes,
			WatchedMs: found.WantedTimeMs - found.WatchedMs,
		}
		return tx.Clauses(sqldb.Upsert(s.Adding("views", "finishes", "watched_ms"), "video_id")).Create(&add).Error
	})
	return found, err
}

// repairAuthor adds what is missing to the author's newest day, and takes what is too much from the newest days that have it. It returns
// nil when nothing was wrong.
func (s *Store) repairAuthor(ctx context.Context, authorID int64) (found *wrongAuthor, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		found = nil
		rows, err := sqldb.Rows[wrongAuthor]{Query: tx.Raw(wrongAuthors, map[string]any{"lo": authorID - 1, "hi": authorID})}.All()
		if err != nil || len(rows) == 0 {
			return err
		}
		found = &rows[0]
		days, err := sqldb.Select[AuthorDay](tx, "FROM author_days WHERE author_id = ? ORDER BY day DESC", authorID).All()
		if err != nil {
			return err
		}
		if len(days) == 0 {
			days = []AuthorDay{{AuthorID: authorID}}
		}
		views, finishes := found.WantedViews-found.Views, found.WantedFinishes-found.Finishes
		adds := make([]AuthorDay, len(days))
		for i, d := range days {
			adds[i] = AuthorDay{AuthorID: authorID, Day: d.Day, Views: max(views, -d.Views), Finishes: max(finishes, -d.Finishes)}
			views, finishes = views-adds[i].Views, finishes-adds[i].Finishes
		}
		slices.Reverse(adds)
		return createAll(tx.Clauses(sqldb.Upsert(s.Adding("views", "finishes"), "author_id", "day")), adds)
	})
	return found, err
}
