package outbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/text"
)

const (
	// maxReason is the width of outbox_dead.reason, in characters.
	maxReason = 500
	// measureEvery is how often the outbox is measured.
	measureEvery = 5 * time.Second
	// maxCounted bounds what that costs.
	maxCounted = 100_000
)

// deadRow is a message that a consumer gave up.
type deadRow struct {
	Consumer  string `gorm:"column:consumer;primaryKey"`
	MessageID int64  `gorm:"column:message_id;primaryKey;autoIncrement:false"`
	Topic     string `gorm:"column:topic"`
	AtMs      int64  `gorm:"column:at_ms"`
	DeadMs    int64  `gorm:"column:dead_ms"`
	Reason    string `gorm:"column:reason"`
	Body      []byte `gorm:"column:body"`
}

// TableName is outbox_dead.
func (deadRow) TableName() string { return "outbox_dead" }

// any reports whether there are messages.
func (r *Relay) any(ctx context.Context) (bool, error) {
	var ids []int64
	err := r.db.Read.WithContext(ctx).Raw("SELECT id FROM outbox ORDER BY id LIMIT 1").Scan(&ids).Error
	if err != nil {
		return false, fmt.Errorf("outbox: look: %w", err)
	}
	return len(ids) > 0, nil
}

// read returns the oldest messages, at most limit, and no more than about batchBytes.
func (r *Relay) read(ctx context.Context) (messages []Message, err error) {
	rows, err := r.db.Read.WithContext(ctx).Raw("SELECT id, topic, at_ms, body FROM outbox ORDER BY id LIMIT ?", r.limit).Rows()
	if err != nil {
		return nil, fmt.Errorf("outbox: read: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	for size := 0; size < batchBytes && rows.Next(); {
		var m Message
		var body []byte
		if err := rows.Scan(&m.Seq, &m.Topic, &m.AtMs, &body); err != nil {
			return nil, fmt.Errorf("outbox: read: %w", err)
		}
		m.Body = body
		messages = append(messages, m)
		size += len(body)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("outbox: read: %w", err)
	}
	return messages, nil
}

// remove deletes what the bus has, and keeps what was given up.
func (r *Relay) remove(ctx context.Context) error {
	if len(r.sent) == 0 {
		return nil
	}
	var err error
	if len(r.dead) == 0 {
		err = r.db.Write.WithContext(ctx).Where("id IN ?", r.sent).Delete(&row{}).Error
	} else {
		now := time.Now().UnixMilli()
		rows := make([]deadRow, len(r.dead))
		for i, d := range r.dead {
			rows[i] = deadRow{
				Consumer: d.Consumer, MessageID: d.Seq, Topic: d.Topic, AtMs: d.AtMs, DeadMs: now, Reason: short(d.Reason), Body: d.Body,
			}
		}
		err = r.db.Tx(ctx, func(tx *gorm.DB) error {
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
				return err
			}
			return tx.Where("id IN ?", r.sent).Delete(&row{}).Error
		})
	}
	if err != nil {
		return fmt.Errorf("outbox: delete: %w", err)
	}
	r.sent, r.dead = nil, nil
	return nil
}

// short cuts a reason to the width of its column.
func short(reason string) string {
	return text.First(strings.ToValidUTF8(reason, "?"), maxReason)
}

// measure keeps the gauges until ctx ends.
func (r *Relay) measure(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	known := map[string]bool{}
	for {
		r.look(ctx, known)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look measures once. known are the consumers that had dead letters before. What cannot be read keeps its value.
func (r *Relay) look(ctx context.Context, known map[string]bool) {
	db := r.db.Read.WithContext(ctx)
	var waiting int64
	err := db.Raw("SELECT COUNT(*) FROM (SELECT id FROM outbox ORDER BY id LIMIT ?) AS o", maxCounted).Scan(&waiting).Error
	if err == nil {
		r.metrics.waiting.Set(float64(waiting))
	}
	oldest, err := sqldb.Select[row](db, "FROM outbox ORDER BY id LIMIT 1").All()
	switch {
	case err != nil:
	case len(oldest) == 0:
		r.metrics.oldest.Set(0)
	default:
		r.metrics.oldest.Set(ageOf(oldest[0].AtMs))
	}
	type count struct {
		Consumer string
		N        int
	}
	var counts []count
	if err := db.Raw("SELECT consumer, COUNT(*) AS n FROM outbox_dead GROUP BY consumer").Scan(&counts).Error; err != nil {
		return
	}
	now := map[string]int{}
	for _, c := range counts {
		now[c.Consumer] = c.N
		known[c.Consumer] = true
	}
	for consumer := range known {
		r.metrics.dead.WithLabelValues(r.metrics.service, consumer).Set(float64(now[consumer]))
	}
}
