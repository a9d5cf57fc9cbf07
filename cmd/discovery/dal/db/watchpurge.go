package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// purgeRows is how many rows one step of a purge removes at most, and purgeUsers how many users it looks at.
const (
	purgeRows  = 1000
	purgeUsers = 100
)

// ArchiveSessions takes some of the sessions that were told of last before a time out of watch_sessions: one step. In the same
// transaction it adds them to the archived counters of their videos, so that the views of a video are its archived ones and its sessions
// at any moment. done says that there are no more.
func (s *Store) ArchiveSessions(ctx context.Context, beforeMs int64) (archived int64, done bool, err error) {
	rows, err := sqldb.Select[WatchSession](s.Read.WithContext(ctx), "FROM watch_sessions WHERE at_ms < ? ORDER BY at_ms LIMIT ?",
		beforeMs, purgeRows).All()
	if err != nil {
		return 0, false, fmt.Errorf("read old sessions: %w", err)
	}
	if len(rows) == 0 {
		return 0, true, nil
	}
	users, videos := map[int64]bool{}, map[int64]bool{}
	for _, r := range rows {
		users[r.UserID], videos[r.VideoID] = true, true
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		tx = tx.Session(&gorm.Session{})
		// Nobody changes the sessions of these users now.
		if _, err := lockUsers(s.DB, tx, slices.Sorted(maps.Keys(users))); err != nil {
			return err
		}
		archived, err = s.archive(tx, rows, beforeMs)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("archive sessions: %w", err)
	}
	return archived, len(rows) < purgeRows, nil
}

// archive archives those of the sessions that are still old, and there. Their users are locked.
func (s *Store) archive(tx *gorm.DB, rows []WatchSession, beforeMs int64) (archived int64, err error) {
	pairs := map[HistoryKey]bool{}
	for _, r := range rows {
		pairs[HistoryKey{r.UserID, r.VideoID}] = true
	}
	keys := slices.SortedFunc(maps.Keys(pairs), func(a, b HistoryKey) int {
		return cmp.Or(cmp.Compare(a.VideoID, b.VideoID), cmp.Compare(a.UserID, b.UserID))
	})
	// All old sessions of these users and videos: their key is one of numbers.
	table := sqldb.Keyed{Table: "watch_sessions", Columns: []string{"video_id", "user_id"}}
	numbers := func(k HistoryKey) []int64 { return []int64{k.VideoID, k.UserID} }
	add := map[int64]*VideoWatches{}
	old := tx.Where("t.at_ms < ?", beforeMs).Session(&gorm.Session{})
	err = eachOf(s.DB, old, table, keys, numbers, func(r WatchSession) {
		v := add[r.VideoID]
		if v == nil {
			v = &VideoWatches{VideoID: r.VideoID}
			add[r.VideoID] = v
		}
		v.ArchivedViews++
		v.ArchivedMs += r.WatchedMs
		if r.Finished {
			v.ArchivedFinishes++
		}
	})
	if err != nil || len(add) == 0 {
		return 0, err
	}
	wanted := make([][]int64, len(keys))
	for i, k := range keys {
		wanted[i] = numbers(k)
	}
	if archived, err = table.DeleteWhere(s.DB, tx, wanted, "at_ms < ?", beforeMs); err != nil {
		return 0, err
	}
	var sums []VideoWatches
	for _, id := range slices.Sorted(maps.Keys(add)) {
		sums = append(sums, *add[id])
	}
	set := s.Adding("archived_views", "archived_finishes", "archived_ms")
	return archived, createAll(tx.Clauses(sqldb.Upsert(set, "video_id")), sums)
}

// historyBeyondSQL is what a history has behind the newest rows, and historyBelowSQL what it has below a mark.
const (
	historyBeyondSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms FROM history WHERE user_id = ?
		ORDER BY at_ms DESC, video_id DESC LIMIT ? OFFSET ?) AS t`
	historyBelowSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms FROM history WHERE user_id = ? AND at_ms <= ?
		ORDER BY at_ms LIMIT ?) AS t`
)

// PurgeHistories looks at the histories of some users whose ids follow after: one step. It removes what is beyond the newest videos that
// a history keeps, and what a user has forgotten with their whole history before a time; at most purgeRows rows of a user, the rest is
// for the next time. It returns where to go on; done says that there are no more users.
func (s *Store) PurgeHistories(ctx context.Context, after int64, keep int, forgottenMs int64) (next, removed int64, done bool, err error) {
	read := s.Read.WithContext(ctx)
	marks, err := sqldb.Select[HistoryMark](read, "FROM history_marks WHERE user_id > ? ORDER BY user_id LIMIT ?", after, purgeUsers).All()
	if err != nil || len(marks) == 0 {
		return after, 0, err == nil, err
	}
	next = marks[len(marks)-1].UserID
	// Of each user two looks into the index.
	var parts []string
	var args []any
	for _, m := range marks {
		parts, args = append(parts, historyBeyondSQL), append(args, m.UserID, purgeRows, keep)
		if m.ClearedMs > 0 && m.ClearedMs < forgottenMs {
			parts, args = append(parts, historyBelowSQL), append(args, m.UserID, m.ClearedMs, purgeRows)
		}
	}
	var rows []History
	err = sqldb.Rows[History]{Query: read.Raw(strings.Join(parts, " UNION ALL "), args...)}.Each(func(h History) { rows = append(rows, h) })
	if err != nil {
		return after, 0, false, fmt.Errorf("read old rows of histories: %w", err)
	}
	slices.SortFunc(rows, func(a, b History) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.VideoID, b.VideoID))
	})
	// By their time, too: what was watched again meanwhile stays.
	table := sqldb.Keyed{Table: "history", Columns: []string{"user_id", "video_id", "at_ms"}}
	for part := range slices.Chunk(rows, purgeRows) {
		keys := make([][]int64, len(part))
		for i, h := range part {
			keys[i] = []int64{h.UserID, h.VideoID, h.AtMs}
		}
		var n int64
		err = s.Tx(ctx, func(tx *gorm.DB) (err error) {
			n, err = table.Delete(s.DB, tx, keys)
			return err
		})
		if err != nil {
			return after, removed, false, fmt.Errorf("remove old rows of histories: %w", err)
		}
		removed += n
	}
	return next, removed, len(marks) < purgeUsers, nil
}
