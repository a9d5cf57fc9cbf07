// Package eventstest shows tests what a service has written into its outbox.
package eventstest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// Messages are all messages in the outbox of a schema, oldest first.
func Messages(t testing.TB, db *sqldb.DB) []outbox.Message {
	t.Helper()
	var rows []struct {
		ID, AtMs int64
		Topic    string
		Body     []byte
	}
	if err := db.Read.Raw("SELECT id, at_ms, topic, body FROM outbox ORDER BY id").Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	messages := make([]outbox.Message, len(rows))
	for i, r := range rows {
		messages[i] = outbox.Message{Seq: r.ID, AtMs: r.AtMs, Topic: r.Topic, Body: r.Body}
	}
	return messages
}

// Of are the events of a topic in the outbox of a schema, oldest first, each as it was written. It fails the test when one has no time.
func Of(t testing.TB, db *sqldb.DB, topic string) []*event.Event {
	t.Helper()
	var all []*event.Event
	for _, m := range Messages(t, db) {
		if m.Topic != topic {
			continue
		}
		decoded, err := events.Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range decoded {
			if e.AtMs == 0 {
				t.Errorf("message %d holds an event without a time: %s", m.Seq, m.Body)
			}
		}
		all = append(all, decoded...)
	}
	return all
}

// Want fails the test unless the outbox holds exactly these messages: one for each argument, in their order, each of one topic with
// these events, whose times do not matter. It empties the outbox.
func Want(t testing.TB, db *sqldb.DB, want ...Message) {
	t.Helper()
	got := []Message{}
	for _, m := range Messages(t, db) {
		decoded, err := events.Decode(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range decoded {
			if e.AtMs == 0 {
				t.Errorf("message %d holds an event without a time: %s", m.Seq, m.Body)
			}
			e.AtMs = 0
		}
		got = append(got, Message{Topic: m.Topic, Events: decoded})
	}
	if diff := cmp.Diff(append([]Message{}, want...), got); diff != "" {
		t.Errorf("outbox (-want +got):\n%s", diff)
	}
	Clear(t, db)
}

// Message is what Want wants.
type Message struct {
	Topic  string
	Events []*event.Event
}

// Clear empties the outbox of a schema.
func Clear(t testing.TB, db *sqldb.DB) {
	t.Helper()
	if err := db.Write.Exec("DELETE FROM outbox").Error; err != nil {
		t.Fatal(err)
	}
}
