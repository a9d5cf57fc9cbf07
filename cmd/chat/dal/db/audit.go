package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// auditStep is how many conversations one statement of Audit compares.
const auditStep = 500

// auditSQL compares conversations with their messages, in the order of the primary key. It is one statement, so it sees one moment of
// the database, also while others write. What is stale waits for Settle, and says nothing about unread messages.
const auditSQL = `SELECT c.low_id, c.high_id, c.last_at_ms, c.unread_id,
		EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms = c.last_at_ms) AS has_last,
		EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms > c.last_at_ms) AS has_newer,
		EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id
			AND m.created_at_ms > c.cleared_low_ms AND m.created_at_ms > c.newest_low_ms AND (m.hidden & 1) = 0)
		OR c.newest_low_ms <> 0 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id
			AND m.created_at_ms > c.cleared_low_ms AND m.created_at_ms = c.newest_low_ms AND (m.hidden & 1) = 0)
		OR EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id
			AND m.created_at_ms > c.cleared_high_ms AND m.created_at_ms > c.newest_high_ms AND (m.hidden & 2) = 0)
		OR c.newest_high_ms <> 0 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id
			AND m.created_at_ms > c.cleared_high_ms AND m.created_at_ms = c.newest_high_ms AND (m.hidden & 2) = 0) AS wrong_shown,
		c.stale = 0 AND c.unread_id <> 0 AND (
			c.read_ms >= CASE WHEN c.unread_id = c.low_id THEN c.newest_low_ms ELSE c.newest_high_ms END OR EXISTS (
			SELECT 1 FROM messages m WHERE m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms > c.read_ms
			AND m.from_user_id = c.unread_id)) AS wrong_unread
	FROM conversations AS c WHERE c.low_id >= ? AND (c.low_id > ? OR c.high_id > ?)
	ORDER BY c.low_id, c.high_id LIMIT ?`

// audited is a row of auditSQL.
type audited struct {
	LowID, HighID, LastAtMs, UnreadID          int64
	HasLast, HasNewer, WrongShown, WrongUnread bool
}

// Counters is how many conversations Audit compares with their messages.
func (s *Store) Counters(ctx context.Context) (n int64, err error) {
	if err := s.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM conversations").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters: %w", sqldb.Translate(err))
	}
	return n, nil
}

// Audit compares every conversation with its messages, step by step, and calls report for each whose newest message is another one
// than it says, also for one of the two who has deleted some, or that takes for unread what a user has written, read or deleted. It may
// run while others write. It changes nothing.
func (s *Store) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	after, rows := Key{}, auditStep
	for rows == auditStep {
		rows = 0
		query := s.Read.WithContext(ctx).Raw(auditSQL, after.Low, after.Low, after.High, auditStep)
		err := sqldb.Rows[audited]{Query: query}.Each(func(c audited) {
			rows++
			after = Key{c.LowID, c.HighID}
			if !c.HasLast || c.HasNewer || c.WrongShown || c.WrongUnread {
				mismatches++
				report("conversation of %d and %d: newest message at %d: %t, newer ones: %t, one sees another newest one: %t; "+
					"unread by %d although written by them, read or deleted: %t",
					c.LowID, c.HighID, c.LastAtMs, c.HasLast, c.HasNewer, c.WrongShown, c.UnreadID, c.WrongUnread)
			}
		})
		if err != nil {
			return mismatches, fmt.Errorf("audit: %w", err)
		}
	}
	return mismatches, nil
}
