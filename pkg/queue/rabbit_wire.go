package queue

import (
	"bytes"
	"encoding/json"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// What travels: a message of the broker is a parcel, a JSON array of events. Under load one parcel holds many events,
// and the broker's work, which is per parcel, stays small.

// Headers of a parcel with a single event that had trouble.
const (
	headerStrikes = "x-tiktok-strikes" // how often it failed while others did not
	headerReason  = "x-tiktok-reason"  // why it failed last
)

// maxReason bounds headerReason in bytes.
const maxReason = 500

// join makes the body of a parcel of encoded events.
func join(events [][]byte) []byte {
	size := 2
	for _, e := range events {
		size += len(e) + 1
	}
	body := append(make([]byte, 0, size), '[')
	body = append(body, bytes.Join(events, []byte{','})...)
	return append(body, ']')
}

// open decodes a parcel. bad holds the events, or the whole body, that are not of type T.
func open[T any](body []byte) (events []T, bad map[int]error) {
	if err := json.Unmarshal(body, &events); err == nil {
		return events, nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return make([]T, 1), map[int]error{0: fmt.Errorf("not a list of events: %w", err)}
	}
	events, bad = make([]T, len(raw)), make(map[int]error)
	for i, r := range raw {
		if err := json.Unmarshal(r, &events[i]); err != nil {
			bad[i] = fmt.Errorf("not an event: %w", err)
		}
	}
	return events, bad
}

// rawEvent is the i-th event of a parcel as it came, or the whole body if it is not a list.
func rawEvent(body []byte, i int) []byte {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || i >= len(raw) {
		return body
	}
	return raw[i]
}

// answer is what a consumer tells one publisher after a batch: these parcels are committed.
type answer struct {
	Applied []applied `json:"applied"`
}

// applied is one parcel and the events of it that are not committed.
type applied struct {
	ID     uint64 `json:"id"`
	Except []int  `json:"except,omitempty"`
}

// strikes reads headerStrikes.
func strikes(h amqp.Table) int {
	n, _ := h[headerStrikes].(int32)
	return int(n)
}

func short(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return string(bytes.ToValidUTF8([]byte(reason), nil))
}
