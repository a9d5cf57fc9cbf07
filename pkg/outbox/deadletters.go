package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
)

// deadBatch is how many dead letters are read at once.
const deadBatch = 100

// DeadLetters are those of one consumer in the schema of one producing service. With RabbitMQ a consumer's are in the broker, see
// queue.OpenDeadLetters and QueueName; the schema then has those of BusItself alone.
type DeadLetters struct {
	db       *sqldb.DB
	consumer string
}

// NewDeadLetters returns those of a consumer. It does nothing else.
func NewDeadLetters(db *sqldb.DB, consumer string) *DeadLetters { return &DeadLetters{db, consumer} }

// HasOutbox reports whether a schema has the tables of an outbox.
func HasOutbox(ctx context.Context, db *sqldb.DB) bool {
	return db.Read.WithContext(ctx).Migrator().HasTable(deadRow{}.TableName())
}

// Count is how many there are.
func (d *DeadLetters) Count(ctx context.Context) (int, error) {
	var n int64
	err := d.db.Read.WithContext(ctx).Model(&deadRow{}).Where("consumer = ?", d.consumer).Count(&n).Error
	return int(n), sqldb.Translate(err)
}

// List calls fn with the oldest dead letters, at most limit; 0 means all. An error of fn ends it and is returned.
func (d *DeadLetters) List(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error) {
	return d.each(ctx, limit, func(rows []deadRow) error {
		for _, r := range rows {
			if err := fn(r.letter()); err != nil {
				return err
			}
		}
		return nil
	})
}

// Replay puts the oldest dead letters back into the outbox, at most limit; 0 means all that are there at the start. They keep their
// Seq, so that no consumer takes them for newer than what came after them, and all consumers of their topics get them again. fn, which
// may be nil, is called after each.
func (d *DeadLetters) Replay(ctx context.Context, limit int, fn func(queue.DeadLetter)) (int, error) {
	return d.each(ctx, limit, func(rows []deadRow) error {
		err := d.db.Tx(ctx, func(tx *gorm.DB) error {
			back := make([]row, len(rows))
			for i, r := range rows {
				back[i] = row{ID: r.MessageID, Topic: r.Topic, AtMs: r.AtMs, Body: r.Body}
			}
			// It is there already when another consumer's was replayed just now.
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&back).Error; err != nil {
				return err
			}
			return d.delete(tx, rows)
		})
		if err == nil && fn != nil {
			for _, r := range rows {
				fn(r.letter())
			}
		}
		return err
	})
}

// Drop removes the oldest dead letters, at most limit; 0 means all that are there at the start. Each is given to fn first, and it and
// those after it stay when fn fails.
func (d *DeadLetters) Drop(ctx context.Context, limit int, fn func(queue.DeadLetter) error) (int, error) {
	return d.each(ctx, limit, func(rows []deadRow) error {
		for i, r := range rows {
			if err := fn(r.letter()); err != nil {
				return err
			}
			if err := d.delete(d.db.Write.WithContext(ctx), rows[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *DeadLetters) delete(tx *gorm.DB, rows []deadRow) error {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.MessageID
	}
	return tx.Where("consumer = ? AND message_id IN ?", d.consumer, ids).Delete(&deadRow{}).Error
}

// each calls fn with the oldest dead letters of those that are there at the start, some at a time. It returns how many were in calls
// that succeeded.
func (d *DeadLetters) each(ctx context.Context, limit int, fn func([]deadRow) error) (n int, err error) {
	there, err := d.Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("outbox: dead letters: %w", err)
	}
	if limit <= 0 || limit > there {
		limit = there
	}
	last := int64(-1)
	for n < limit {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		rows, err := sqldb.Select[deadRow](
			d.db.Read.WithContext(ctx), "FROM outbox_dead WHERE consumer = ? AND message_id > ? ORDER BY message_id LIMIT ?",
			d.consumer, last, min(deadBatch, limit-n),
		).All()
		if err != nil || len(rows) == 0 {
			return n, err
		}
		if err := fn(rows); err != nil {
			return n, err
		}
		n += len(rows)
		last = rows[len(rows)-1].MessageID
	}
	return n, nil
}

// letter makes a row presentable.
func (r deadRow) letter() queue.DeadLetter {
	m := Message{Seq: r.MessageID, Topic: r.Topic, AtMs: r.AtMs, Body: r.Body}
	event, err := json.Marshal(m)
	if err != nil { // the body is no JSON
		m.Body = nil
		event, _ = json.Marshal(map[string]any{"seq": m.Seq, "topic": m.Topic, "at_ms": m.AtMs, "body": string(r.Body)})
	}
	return queue.DeadLetter{Events: []json.RawMessage{event}, Reason: r.Reason, Since: time.UnixMilli(r.DeadMs)}
}
