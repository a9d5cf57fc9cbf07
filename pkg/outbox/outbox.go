// Package outbox tells other services what happened, and loses nothing: a service writes messages into the table outbox of its
// own schema, in the transaction that changes its data, and a relay hands them to a Bus and deletes them once the bus has
// them (transactional outbox). Delivery is at least once, in order per subject. ADR 18 says how, and what it costs.
package outbox

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
)

const (
	// MaxBody bounds the body of a message, in bytes.
	MaxBody = 1 << 20
	// MaxTopic bounds its topic.
	MaxTopic = 64
)

// Message is what happened in one transaction: events of one topic, which the bus does not look into.
type Message struct {
	// Seq grows from message to message of one service's schema, in the order of commits that wait for each other: of two messages
	// about the same rows the later has the greater one. The bus sets it; 0 in Add.
	Seq int64 `json:"seq"`
	// Topic says who gets it: "service.what", at most 64 bytes.
	Topic string `json:"topic"`
	// AtMs is when it was written.
	AtMs int64 `json:"at_ms"`
	// Body is JSON, at most 1 MiB.
	Body json.RawMessage `json:"body"`
}

// row is a message that was not handed over yet.
type row struct {
	ID    int64  `gorm:"column:id;primaryKey"`
	Topic string `gorm:"column:topic"`
	AtMs  int64  `gorm:"column:at_ms"`
	Body  []byte `gorm:"column:body"`
}

// TableName is outbox.
func (row) TableName() string { return "outbox" }

// Add writes messages within a transaction, in one statement. Call it after the rows that they are about are locked, so that Seq has
// the order of their changes, and Relay.Wake after the commit. It refuses a message that no bus may be able to carry, so that the
// transaction fails rather than its message.
func Add(tx *gorm.DB, messages ...Message) error {
	if len(messages) == 0 {
		return nil
	}
	rows := make([]row, len(messages))
	for i, m := range messages {
		if len(m.Body) > MaxBody || len(m.Topic) > MaxTopic || m.Topic == "" {
			return fmt.Errorf("outbox: a message of %d bytes with the topic %q", len(m.Body), m.Topic)
		}
		rows[i] = row{Topic: m.Topic, AtMs: m.AtMs, Body: m.Body}
	}
	return tx.Create(&rows).Error
}
