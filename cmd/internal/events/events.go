// Package events makes outbox messages of the events of idl/event.thrift, and reads them.
package events

import (
	"encoding/json"
	"fmt"
	"time"

	"tiktok/kitex_gen/event"
	"tiktok/pkg/outbox"
)

// maxBody bounds the body of one message in bytes, about: larger lists of events become several messages.
const maxBody = 256 << 10

// Messages are outbox messages of one topic with these events, in their order: one unless the events are many. Events get the
// time of the call when they have none.
func Messages(topic string, events ...*event.Event) ([]outbox.Message, error) {
	now := time.Now().UnixMilli()
	var messages []outbox.Message
	body := []byte{'['}
	flush := func() {
		if len(body) > 1 {
			messages = append(messages, outbox.Message{Topic: topic, AtMs: now, Body: append(body, ']')})
			body = []byte{'['}
		}
	}
	for _, e := range events {
		if e.AtMs == 0 {
			e.AtMs = now
		}
		encoded, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode an event of %s: %w", topic, err)
		}
		if len(body)+len(encoded) > maxBody {
			flush()
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, encoded...)
	}
	flush()
	return messages, nil
}

// Decode reads the events of a message. Its error is outbox.ErrPoison.
func Decode(m outbox.Message) ([]*event.Event, error) {
	var events []*event.Event
	if err := json.Unmarshal(m.Body, &events); err != nil {
		return nil, fmt.Errorf("%w: message %d of %s: %w", outbox.ErrPoison, m.Seq, m.Topic, err)
	}
	for _, e := range events {
		if e == nil {
			return nil, fmt.Errorf("%w: message %d of %s holds null", outbox.ErrPoison, m.Seq, m.Topic)
		}
	}
	return events, nil
}
