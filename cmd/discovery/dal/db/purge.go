package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// Each step of a purge looks at maxRows rows, and removes them at most.

// purgeName is the row of backfills that says how far purges are: after_a is the number of the last change before the last purge, after_b
// the greatest number of a row that was removed.
const purgeName = "purge"

// PurgePosition is what the last purge has left.
type PurgePosition struct {
	// SeenSeq is the number of the last change before it.
	SeenSeq int64
	// RemovedSeq is the greatest number of a row that was removed: an index that has not followed as far may have what nothing removes any
	// more, and must be built again.
	RemovedSeq int64
}

// PurgePosition reads it.
func (s *Store) PurgePosition(ctx context.Context) (p PurgePosition, err error) {
	err = sqldb.Select[Backfill](s.Read.WithContext(ctx), "FROM backfills WHERE name = ?", purgeName).Each(func(b Backfill) {
		p = PurgePosition{SeenSeq: b.AfterA, RemovedSeq: b.AfterB}
	})
	return p, err
}

// removes notes, in the transaction that removes them, the numbers of rows up to the greatest.
func (s *Store) removes(tx *gorm.DB, seq int64) error {
	row := Backfill{Name: purgeName, AfterB: seq}
	set := clause.Assignments(map[string]any{"after_b": gorm.Expr(s.Greater("after_b", s.NewValue("after_b")))})
	return tx.Clauses(sqldb.Upsert(set, "name")).Create(&row).Error
}

// BeginPurge notes up to which change the catalogue is now, and returns what the purge before has noted.
func (s *Store) BeginPurge(ctx context.Context) (before PurgePosition, err error) {
	before, err = s.PurgePosition(ctx)
	if err != nil {
		return before, err
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		clock, err := s.LockClock(tx)
		if err != nil {
			return err
		}
		row := Backfill{Name: purgeName, AfterA: clock.seq}
		return tx.Clauses(sqldb.Upsert(clause.AssignmentColumns([]string{"after_a"}), "name")).Create(&row).Error
	})
	return before, err
}

const (
	oldVideosSQL = "SELECT id, changed_seq AS seq FROM videos WHERE gone_ms > 0 AND gone_ms < ? LIMIT ?"
	oldUsersSQL  = "SELECT id, changed_seq AS seq FROM users WHERE gone_ms > 0 AND gone_ms < ? LIMIT ?"
)

// PurgeGone removes some rows of videos and users that were gone before a time; done says that there are no more.
func (s *Store) PurgeGone(ctx context.Context, beforeMs int64) (removed int64, done bool, err error) {
	done = true
	for query, table := range map[string]string{oldVideosSQL: "videos", oldUsersSQL: "users"} {
		type row struct{ ID, Seq int64 }
		rows, err := sqldb.Rows[row]{Query: s.Read.WithContext(ctx).Raw(query, beforeMs, maxRows)}.All()
		if err != nil || len(rows) == 0 {
			if err != nil {
				return removed, false, fmt.Errorf("purge %s: %w", table, err)
			}
			continue
		}
		done = done && len(rows) < maxRows
		ids, greatest := make([]int64, len(rows)), int64(0)
		for i, r := range rows {
			ids[i], greatest = r.ID, max(greatest, r.Seq)
		}
		err = s.Tx(ctx, func(tx *gorm.DB) error {
			if _, err := s.LockClock(tx); err != nil {
				return err
			}
			if err := s.removes(tx, greatest); err != nil {
				return err
			}
			return tx.Exec("DELETE FROM "+table+" WHERE id IN ?", ids).Error // what is gone stays gone
		})
		if err != nil {
			return removed, false, fmt.Errorf("purge %s: %w", table, err)
		}
		removed += int64(len(ids))
	}
	return removed, done, nil
}

// PurgeTags looks at the tags that follow one, and removes those that no video has since the change with that number. It returns where to
// go on; done says that there are no more.
func (s *Store) PurgeTags(ctx context.Context, after string, seenSeq int64) (next string, removed int64, done bool, err error) {
	rows, err := sqldb.Select[Tag](s.Read.WithContext(ctx), "FROM tags WHERE tag > ? ORDER BY tag LIMIT ?", after, maxRows).All()
	if err != nil || len(rows) == 0 {
		return after, 0, true, err
	}
	var unused []string
	greatest := int64(0)
	for _, r := range rows {
		if r.Videos == 0 && r.ChangedSeq <= seenSeq {
			unused, greatest = append(unused, r.Tag), max(greatest, r.ChangedSeq)
		}
	}
	next, done = rows[len(rows)-1].Tag, len(rows) < maxRows
	if len(unused) == 0 {
		return next, 0, done, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := s.LockClock(tx); err != nil {
			return err
		}
		if err := s.removes(tx, greatest); err != nil {
			return err
		}
		r := tx.Exec("DELETE FROM tags WHERE tag IN ? AND videos = 0 AND changed_seq <= ?", unused, seenSeq)
		removed = r.RowsAffected
		return r.Error
	})
	if err != nil {
		return after, 0, false, fmt.Errorf("purge tags: %w", err)
	}
	return next, removed, done, nil
}

// PairKey is the key of a follow (user, followed user) or a like (user, video).
type PairKey [2]int64

func (s *Store) pairsAfterSQL(t sqldb.Keyed) string {
	a, b := t.Columns[0], t.Columns[1]
	return "FROM " + t.Table + " WHERE " + s.AfterPair(a, b) + " ORDER BY " + a + ", " + b + " LIMIT ?"
}

// FollowsAfter reads up to limit follows behind a key, in the order of keys, also those that ended.
func (s *Store) FollowsAfter(ctx context.Context, after PairKey, limit int) ([]Follow, error) {
	return sqldb.Select[Follow](s.Read.WithContext(ctx), s.pairsAfterSQL(followTable()), after[0], after[1], after[0], limit).All()
}

// LikesAfter reads up to limit likes behind a key, in the order of keys, also those that ended.
func (s *Store) LikesAfter(ctx context.Context, after PairKey, limit int) ([]Like, error) {
	return sqldb.Select[Like](s.Read.WithContext(ctx), s.pairsAfterSQL(likeTable()), after[0], after[1], after[0], limit).All()
}

// Key names the follow.
func (f Follow) Key() PairKey { return PairKey{f.UserID, f.ToUserID} }

// Key names the like.
func (l Like) Key() PairKey { return PairKey{l.UserID, l.VideoID} }

// PurgeFollows looks at the follows behind a key, and removes those that ended before a time. It returns where to go on; done says that
// there are no more.
func (s *Store) PurgeFollows(ctx context.Context, after PairKey, beforeMs int64) (next PairKey, removed int64, done bool, err error) {
	rows, err := s.FollowsAfter(ctx, after, maxRows)
	if err != nil || len(rows) == 0 {
		return after, 0, true, err
	}
	old := func(f Follow) bool { return !f.Following && f.AtMs < beforeMs }
	removed, err = purgePairs(ctx, s, followTable(), rows, Follow.Key, old)
	return rows[len(rows)-1].Key(), removed, len(rows) < maxRows, err
}

// PurgeLikes is PurgeFollows for likes. Those that began before likesBeforeMs go, too: the statistics of authors keep them.
func (s *Store) PurgeLikes(
	ctx context.Context, after PairKey, beforeMs, likesBeforeMs int64,
) (next PairKey, removed int64, done bool, err error) {
	rows, err := s.LikesAfter(ctx, after, maxRows)
	if err != nil || len(rows) == 0 {
		return after, 0, true, err
	}
	old := func(l Like) bool { return !l.Liked && l.AtMs < beforeMs || l.Liked && l.AtMs < likesBeforeMs }
	removed, err = purgePairs(ctx, s, likeTable(), rows, Like.Key, old)
	return rows[len(rows)-1].Key(), removed, len(rows) < maxRows, err
}

// purgePairs removes those of rows that are old, if they still are: one that came back meanwhile stays.
func purgePairs[R any](
	ctx context.Context, s *Store, table sqldb.Keyed, rows []R, key func(R) PairKey, old func(R) bool,
) (removed int64, err error) {
	numbers := func(rows []R) (keys [][]int64) {
		for _, r := range rows {
			if old(r) {
				k := key(r)
				keys = append(keys, k[:])
			}
		}
		return keys
	}
	keys := numbers(rows)
	if len(keys) == 0 {
		return 0, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := s.LockClock(tx); err != nil {
			return err
		}
		now, err := sqldb.Rows[R]{Query: table.Query(s.DB, tx, keys).Select(sqldb.Columns[R](tx, "t"))}.All()
		if err != nil {
			return err
		}
		removed, err = table.Delete(s.DB, tx, numbers(now))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("purge %s: %w", table.Table, err)
	}
	return removed, nil
}
