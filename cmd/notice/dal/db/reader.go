package db

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// MaxUnread bounds what CountUnread counts.
const MaxUnread = 100

// Readers reads what users have read and muted. Everybody who is asked for is in the map.
func (s *Store) Readers(ctx context.Context, userIDs []int64) (map[int64]Reader, error) {
	found := make(map[int64]Reader, len(userIDs))
	for _, id := range userIDs {
		found[id] = Reader{UserID: id}
	}
	for part := range slices.Chunk(userIDs, maxRows) {
		err := sqldb.Select[Reader](s.Read.WithContext(ctx), "FROM notice_readers WHERE user_id IN ?", part).Each(func(r Reader) {
			found[r.UserID] = r
		})
		if err != nil {
			return nil, fmt.Errorf("read readers of notices: %w", err)
		}
	}
	return found, nil
}

// CountUnread counts for each reader the notices with an entry after the mark, without muted kinds, MaxUnread at the most. Everybody
// who is asked for is in the map.
func (s *Store) CountUnread(ctx context.Context, readers map[int64]Reader) (map[int64]int, error) {
	counts := make(map[int64]int, len(readers))
	all := make([]Reader, 0, len(readers))
	for _, r := range readers {
		all = append(all, r)
	}
	for part := range slices.Chunk(all, maxUnion) {
		query, args := s.unreadSQL(part)
		type row struct {
			UserID int64
			Unread int
		}
		err := sqldb.Rows[row]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.Each(func(r row) { counts[r.UserID] = r.Unread })
		if err != nil {
			return nil, fmt.Errorf("count unread notices: %w", err)
		}
	}
	return counts, nil
}

// unreadSQL walks along the index of each reader's list.
func (s *Store) unreadSQL(readers []Reader) (query string, args []any) {
	for i, r := range readers {
		wanted, kinds := wantedKinds(r)
		if i > 0 {
			query += " UNION ALL "
		}
		query += "SELECT ? AS user_id, COUNT(*) AS unread FROM (SELECT 1 FROM notices" + s.listIndex() +
			" WHERE user_id = ? AND newest_ms > ?" + wanted + " LIMIT ?) AS t"
		args = append(append(append(args, r.UserID, r.UserID, r.SeenMs), kinds...), MaxUnread)
	}
	return query, args
}

// MarkRead moves the mark of a user to a time, unless it is there already or later.
func (s *Store) MarkRead(ctx context.Context, userID, untilMs int64) error {
	set := clause.Assignments(map[string]any{"seen_ms": clause.Expr{SQL: s.Greater("seen_ms", s.NewValue("seen_ms"))}})
	return s.putReader(ctx, Reader{UserID: userID, SeenMs: untilMs}, set, "mark notices as read")
}

// Mute stores the kinds that a user does not want, as bits.
func (s *Store) Mute(ctx context.Context, userID, muted int64) error {
	return s.putReader(ctx, Reader{UserID: userID, Muted: muted}, clause.AssignmentColumns([]string{"muted"}), "mute notices")
}

func (s *Store) putReader(ctx context.Context, r Reader, set clause.Set, what string) error {
	if err := s.Write.WithContext(ctx).Clauses(sqldb.Upsert(set, "user_id")).Create(&r).Error; err != nil {
		return fmt.Errorf("%s: %w", what, sqldb.Translate(err))
	}
	return nil
}
