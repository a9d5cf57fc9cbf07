package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// maxHistories bounds the histories of one statement: SQLite takes 500 SELECTs in one.
const maxHistories = 100

// historyPageSQL is a page of a user's history.
const historyPageSQL = `FROM history WHERE user_id = ? AND at_ms > ? AND at_ms <= ? AND (at_ms < ? OR video_id < ?) AND at_ms > hidden_ms
	ORDER BY at_ms DESC, video_id DESC LIMIT ?`

// HistoryPage reads up to limit videos that a user has watched before a place, the last first, with what is not stored yet laid over them:
// watches of the user. It returns which of these are not stored, and in what is read they count already. All is of one moment.
func (s *Store) HistoryPage(
	ctx context.Context, userID int64, before HistoryPlace, limit int, over []Watch,
) (rows []History, notStored []Watch, err error) {
	err = s.Snapshot(ctx, func(at *sqldb.DB) error {
		o, err := newHistoryOverlay(at, at.Read.WithContext(ctx), []int64{userID}, over)
		if err != nil {
			return err
		}
		// Each watch that is laid over may take a row off the page: as many more fill it again.
		rows, err = sqldb.Select[History](at.Read.WithContext(ctx), historyPageSQL,
			userID, o.cleared[userID], before.AtMs, before.AtMs, before.VideoID, limit+len(o.rows)).All()
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(h History) bool { _, over := o.rows[HistoryKey{h.UserID, h.VideoID}]; return over })
		for _, h := range o.rows {
			if h.Shown(o.cleared[userID]) && before.above(h) {
				rows = append(rows, h)
			}
		}
		notStored = o.notStored
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the history of user %d: %w", userID, sqldb.Translate(err))
	}
	slices.SortFunc(rows, lastFirst)
	return rows[:min(len(rows), limit)], notStored, nil
}

func lastFirst(a, b History) int {
	return cmp.Or(cmp.Compare(b.AtMs, a.AtMs), cmp.Compare(b.VideoID, a.VideoID))
}

// WatchedWith is Watched of those users of whom there are watches that are not stored yet, with these laid over. All is of one moment.
func (s *Store) WatchedWith(ctx context.Context, over []Watch, limit int) (found map[int64][]int64, err error) {
	users := map[int64]bool{}
	for _, w := range over {
		users[w.UserID] = true
	}
	ids := slices.Sorted(maps.Keys(users))
	err = s.Snapshot(ctx, func(at *sqldb.DB) error {
		read := at.Read.WithContext(ctx)
		o, err := newHistoryOverlay(at, read, ids, over)
		if err != nil {
			return err
		}
		rows, err := watchedRows(read, ids, o.cleared, limit)
		if err != nil {
			return err
		}
		for id, watched := range rows {
			rows[id] = slices.DeleteFunc(watched, func(h History) bool { _, over := o.rows[HistoryKey{id, h.VideoID}]; return over })
		}
		for _, h := range o.rows {
			if h.Shown(o.cleared[h.UserID]) {
				rows[h.UserID] = append(rows[h.UserID], h)
			}
		}
		found = videosOf(rows, limit)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("lay watches over histories: %w", sqldb.Translate(err))
	}
	return found, nil
}

// historyOverlay is what watches change that are not stored yet.
type historyOverlay struct {
	// cleared is up to when users have forgotten their history.
	cleared map[int64]int64
	// rows are those of the watches, as they will be.
	rows      map[HistoryKey]History
	notStored []Watch
}

func newHistoryOverlay(db *sqldb.DB, read *gorm.DB, userIDs []int64, watches []Watch) (o historyOverlay, err error) {
	if o.cleared, err = clearedOf(read, userIDs); err != nil || len(watches) == 0 {
		return o, err
	}
	keys := map[HistoryKey]bool{}
	for _, w := range watches {
		keys[HistoryKey{w.UserID, w.VideoID}] = true
	}
	if o.rows, err = historyRows(db, read, slices.SortedFunc(maps.Keys(keys), compareHistoryKeys)); err != nil {
		return o, err
	}
	for _, w := range slices.SortedStableFunc(slices.Values(watches), func(a, b Watch) int { return cmp.Compare(a.AtMs, b.AtMs) }) {
		key := HistoryKey{w.UserID, w.VideoID}
		row := o.rows[key]
		row.UserID, row.VideoID = w.UserID, w.VideoID
		if row.Add(w, o.cleared[w.UserID]) {
			o.notStored = append(o.notStored, w)
			o.rows[key] = row
		}
	}
	return o, nil
}

// clearedOf reads up to when users have forgotten their history.
func clearedOf(read *gorm.DB, userIDs []int64) (map[int64]int64, error) {
	cleared := map[int64]int64{}
	for part := range slices.Chunk(userIDs, maxRows) {
		err := sqldb.Select[HistoryMark](read, "FROM history_marks WHERE user_id IN ?", part).Each(func(m HistoryMark) {
			cleared[m.UserID] = m.ClearedMs
		})
		if err != nil {
			return nil, err
		}
	}
	return cleared, nil
}

// Watched reads up to limit videos that each user has watched, the last first. One without any is absent.
func (s *Store) Watched(ctx context.Context, userIDs []int64, limit int) (map[int64][]int64, error) {
	read := s.Read.WithContext(ctx)
	cleared, err := clearedOf(read, userIDs)
	if err != nil {
		return nil, fmt.Errorf("read marks of histories: %w", err)
	}
	rows, err := watchedRows(read, userIDs, cleared, limit)
	if err != nil {
		return nil, fmt.Errorf("read histories: %w", err)
	}
	return videosOf(rows, limit), nil
}

// historyLastSQL is the last of what a user has watched.
const historyLastSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms FROM history WHERE user_id = ? AND at_ms > ? AND at_ms > hidden_ms
	ORDER BY at_ms DESC, video_id DESC LIMIT ?) AS t`

// watchedRows reads user, video and time of the last rows of each user.
func watchedRows(read *gorm.DB, userIDs []int64, cleared map[int64]int64, limit int) (map[int64][]History, error) {
	rows := map[int64][]History{}
	for part := range slices.Chunk(userIDs, maxHistories) {
		args := make([]any, 0, 3*len(part))
		for _, id := range part {
			args = append(args, id, cleared[id], limit)
		}
		err := sqldb.Rows[History]{Query: read.Raw(sqldb.UnionAll(historyLastSQL, len(part)), args...)}.Each(func(h History) {
			rows[h.UserID] = append(rows[h.UserID], h)
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// videosOf are up to limit videos of each user, the last first.
func videosOf(rows map[int64][]History, limit int) map[int64][]int64 {
	found := make(map[int64][]int64, len(rows))
	for id, watched := range rows {
		if len(watched) == 0 {
			continue
		}
		slices.SortFunc(watched, lastFirst) // no database promises it
		videos := make([]int64, min(len(watched), limit))
		for i := range videos {
			videos[i] = watched[i].VideoID
		}
		found[id] = videos
	}
	return found
}

// ForgetAll forgets what a user has watched up to now, and up to the last time there is, whatever clocks say: it returns up to when. Twice
// is once.
func (s *Store) ForgetAll(ctx context.Context, userID, nowMs int64) (upTo int64, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockUsers(s.DB, tx, []int64{userID}); err != nil {
			return err
		}
		var last int64
		if err := tx.Raw("SELECT COALESCE(MAX(at_ms), 0) FROM history WHERE user_id = ?", userID).Scan(&last).Error; err != nil {
			return err
		}
		query := "UPDATE history_marks SET cleared_ms = " + s.Greater("cleared_ms", "?") + " WHERE user_id = ?"
		upTo = max(nowMs, last)
		return tx.Exec(query, upTo, userID).Error
	})
	if err != nil {
		return 0, fmt.Errorf("forget the history of user %d: %w", userID, err)
	}
	return upTo, nil
}

// Forget does so with one video. unstored says that a watch of it may be on its way: then it is noted also where nothing is stored.
func (s *Store) Forget(ctx context.Context, userID, videoID, nowMs int64, unstored bool) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockUsers(s.DB, tx, []int64{userID}); err != nil {
			return err
		}
		hidden := s.Greater("hidden_ms", s.Greater("at_ms", "?"))
		if !unstored {
			query := "UPDATE history SET hidden_ms = " + hidden + " WHERE user_id = ? AND video_id = ?"
			return tx.Exec(query, nowMs, userID, videoID).Error
		}
		set := clause.Assignments(map[string]any{"hidden_ms": gorm.Expr(hidden, nowMs)})
		row := History{UserID: userID, VideoID: videoID, HiddenMs: nowMs}
		return tx.Clauses(sqldb.Upsert(set, "user_id", "video_id")).Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("forget video %d in the history of user %d: %w", videoID, userID, err)
	}
	return nil
}
