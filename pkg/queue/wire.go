package queue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/tracing"
)

// A message of the broker is a batch of events, a JSON array: the broker's work, which is per message, stays small. These
// are the headers of a message. During a rolling update the release before reads and writes them too.
const (
	// headerAttempts is how often an event, which then is alone in its message, failed while others did not.
	headerAttempts = "x-tiktok-strikes"
	// headerReason is why it failed last, in at most maxReason bytes.
	headerReason = "x-tiktok-reason"
	maxReason    = 500
	// headerTrace is the W3C trace context of a single event.
	headerTrace = "traceparent"
	// headerTraces is that of several, at most maxTraces: "index=traceparent", separated by commas.
	headerTraces = "x-tiktok-traceparents"
	maxTraces    = 64
)

const contentType = "application/json"

// encode makes the body of a message of encoded events.
func encode(events [][]byte) []byte {
	return slices.Concat([]byte{'['}, bytes.Join(events, []byte{','}), []byte{']'})
}

// decode reads a message. bad holds the events, or the whole body, that are not of type T.
func decode[T any](body []byte) (events []T, bad map[int]error) {
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

// rawEvent is the i-th event of a message as it came, or the whole body if it is not a list.
func rawEvent(body []byte, i int) []byte {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil || i >= len(raw) {
		return body
	}
	return raw[i]
}

// reply is what a consumer tells a publisher: these batches are committed.
type reply struct {
	to      string         // the publisher's address
	Applied []appliedBatch `json:"applied"`
}

// appliedBatch is the id of a batch and the indices of its events that are not committed.
type appliedBatch struct {
	ID     uint64 `json:"id"`
	Except []int  `json:"except,omitempty"`
}

func attempts(h amqp.Table) int {
	n, _ := h[headerAttempts].(int32)
	return int(n)
}

func short(reason string) string {
	return string(bytes.ToValidUTF8([]byte(reason[:min(len(reason), maxReason)]), nil))
}

// setTraces puts the traces of events, by their index, into the headers of their message, which may be nil.
func setTraces(h amqp.Table, traces []tracing.Ref) amqp.Table {
	var list []string
	for i, t := range traces {
		if !t.IsZero() && len(list) < maxTraces {
			list = append(list, strconv.Itoa(i)+"="+t.String())
		}
	}
	switch {
	case len(list) == 0:
		return h
	case h == nil:
		h = amqp.Table{}
	}
	if len(traces) == 1 {
		h[headerTrace] = traces[0].String()
	} else {
		h[headerTraces] = strings.Join(list, ",")
	}
	return h
}

// tracesOf reads what setTraces has written.
func tracesOf(h amqp.Table) map[int]tracing.Ref {
	if one, ok := h[headerTrace].(string); ok {
		return map[int]tracing.Ref{0: tracing.ParseRef(one)}
	}
	text, ok := h[headerTraces].(string)
	if !ok {
		return nil
	}
	traces := make(map[int]tracing.Ref)
	for entry := range strings.SplitSeq(text, ",") {
		index, trace, _ := strings.Cut(entry, "=")
		if i, err := strconv.Atoi(index); err == nil && len(traces) < maxTraces {
			traces[i] = tracing.ParseRef(trace)
		}
	}
	return traces
}
