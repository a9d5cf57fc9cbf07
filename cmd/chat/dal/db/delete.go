package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// ErrNoMessage is for a message that is not in the conversation.
var ErrNoMessage = errors.New("no such message")

// HideMessage deletes a message of the conversation with a peer for a user alone. told is what other services hear when nothing is unread
// any more that was; changed says that anything changed. It fails with ErrNoMessage.
func (s *Store) HideMessage(ctx context.Context, userID, peerID, messageID int64, told []outbox.Message) (changed bool, err error) {
	key := KeyOf(userID, peerID)
	err = s.changeOwn(ctx, key, userID, told, func(tx *gorm.DB, own *own) error {
		changed = false // the transaction may be tried again
		m, err := hidableOf(tx, key, messageID)
		if err != nil {
			return err
		}
		bit := key.side(userID).bit
		if m.Hidden&bit != 0 || m.CreatedAtMs <= *own.cleared { // it is deleted already
			return nil
		}
		changed = true
		err = tx.Exec("UPDATE messages SET hidden = ? WHERE low_id = ? AND high_id = ? AND created_at_ms = ?",
			m.Hidden|bit, key.Low, key.High, m.CreatedAtMs).Error
		if err != nil || m.CreatedAtMs != own.newest() {
			return err
		}
		left, err := newestLeft(tx, key, key.side(userID), *own.cleared, m.CreatedAtMs)
		own.show(left)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("delete message: %w", err)
	}
	return changed, nil
}

// Clear deletes all messages of the conversation with a peer for a user alone. told and changed are as in HideMessage.
func (s *Store) Clear(ctx context.Context, userID, peerID int64, told []outbox.Message) (changed bool, err error) {
	err = s.changeOwn(ctx, KeyOf(userID, peerID), userID, told, func(_ *gorm.DB, own *own) error {
		if changed = *own.cleared < own.row.LastAtMs; changed {
			*own.cleared = own.row.LastAtMs
			own.show(0)
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrNoMessage) { // there is no conversation: nothing to delete
		return false, fmt.Errorf("delete conversation: %w", err)
	}
	return changed, nil
}

// own is a conversation as one of its users may change it.
type own struct {
	row    Conversation
	userID int64
	// They point into row.
	cleared, shown, shownAt *int64
}

func ownOf(row Conversation, userID int64) *own {
	o := &own{row: row, userID: userID}
	o.cleared, o.shown, o.shownAt = &o.row.ClearedHighMs, &o.row.ShownHighMs, &o.row.ShownHighAtMs
	if userID == row.LowID {
		o.cleared, o.shown, o.shownAt = &o.row.ClearedLowMs, &o.row.ShownLowMs, &o.row.ShownLowAtMs
	}
	return o
}

// newest is the time of the newest message that the user sees, 0 for none.
func (o *own) newest() int64 {
	if *o.shownAt == o.row.LastAtMs {
		return *o.shown
	}
	return o.row.LastAtMs
}

// show makes another message the newest one that the user sees; 0 is none. What is unread is newer than ReadMs, and seen.
func (o *own) show(newestMs int64) {
	*o.shown, *o.shownAt = newestMs, o.row.LastAtMs
	if o.row.UnreadID == o.userID && newestMs <= o.row.ReadMs {
		o.row.UnreadID = 0
	}
}

// changeOwn locks a conversation, settles it if it is stale, and stores what change makes of it. It fails with ErrNoMessage when there is
// none.
func (s *Store) changeOwn(
	ctx context.Context, key Key, userID int64, told []outbox.Message, change func(tx *gorm.DB, own *own) error,
) error {
	return s.Tx(ctx, func(tx *gorm.DB) error {
		rows, err := s.lock(tx, []Key{key})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNoMessage
		}
		row := rows[0]
		if row.stale() {
			newest, err := newestOf(tx, rows)
			if err != nil {
				return err
			}
			row = row.settle(newest[key])
		}
		own := ownOf(row, userID)
		if err := change(tx, own); err != nil || own.row == rows[0] {
			return err
		}
		set := clause.AssignmentColumns([]string{
			"unread_id", "read_ms", "counted_ms", "cleared_low_ms", "cleared_high_ms",
			"shown_low_ms", "shown_low_at_ms", "shown_high_ms", "shown_high_at_ms",
		})
		if err := tx.Clauses(sqldb.Upsert(set, "low_id", "high_id")).Create(&own.row).Error; err != nil {
			return err
		}
		if row.UnreadID == userID && own.row.UnreadID != userID {
			return outbox.Add(tx, told...)
		}
		return nil
	})
}

// hidable is what deleting a message has to know of it.
type hidable struct{ CreatedAtMs, Hidden int64 }

// hidableOf finds a message of a conversation. It fails with ErrNoMessage.
func hidableOf(tx *gorm.DB, key Key, messageID int64) (hidable, error) {
	const query = "SELECT created_at_ms, hidden FROM messages WHERE id = ? AND low_id = ? AND high_id = ?"
	found, err := sqldb.Rows[hidable]{Query: tx.Raw(query, messageID, key.Low, key.High)}.All()
	if err != nil {
		return hidable{}, err
	}
	if len(found) == 0 {
		return hidable{}, ErrNoMessage
	}
	return found[0], nil
}

// leftSQL finds the newest message before a time that a side sees.
func leftSQL(side side) string {
	return "SELECT m.created_at_ms FROM messages m WHERE m.low_id = ? AND m.high_id = ? AND m.created_at_ms > ? AND m.created_at_ms < ? AND " +
		side.sees("m") + " ORDER BY m.created_at_ms DESC LIMIT 1"
}

// newestLeft is the time of the newest message before a time that a side sees, 0 for none.
func newestLeft(tx *gorm.DB, key Key, side side, clearedMs, beforeMs int64) (ms int64, err error) {
	type row struct{ CreatedAtMs int64 }
	query := tx.Raw(leftSQL(side), key.Low, key.High, clearedMs, beforeMs)
	return ms, sqldb.Rows[row]{Query: query}.Each(func(r row) { ms = r.CreatedAtMs })
}
