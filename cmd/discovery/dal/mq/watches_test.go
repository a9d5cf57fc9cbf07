package mq_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/discovery/dal/mq"
	"tiktok/kitex_gen/discovery"
)

func event(change func(*mq.Event)) mq.Event {
	e := mq.Event{V: mq.Version, ID: 5, AtMs: 6, UserID: 7, Watches: []mq.Watch{{VideoID: 8, AuthorID: 9, Session: "s-1", WatchedMs: 10}}}
	change(&e)
	return e
}

func TestCheck(t *testing.T) {
	watch := func(change func(*mq.Watch)) mq.Event { return event(func(e *mq.Event) { change(&e.Watches[0]) }) }
	for name, tc := range map[string]struct {
		event mq.Event
		ok    bool
	}{
		"one":             {event(func(*mq.Event) {}), true},
		"most":            {event(func(e *mq.Event) { e.Watches = many(mq.MaxWatches) }), true},
		"too many":        {event(func(e *mq.Event) { e.Watches = many(mq.MaxWatches + 1) }), false},
		"none":            {event(func(e *mq.Event) { e.Watches = nil }), false},
		"empty":           {mq.Event{}, false},
		"later version":   {event(func(e *mq.Event) { e.V++ }), false},
		"no id":           {event(func(e *mq.Event) { e.ID = 0 }), false},
		"no time":         {event(func(e *mq.Event) { e.AtMs = 0 }), false},
		"no user":         {event(func(e *mq.Event) { e.UserID = 0 }), false},
		"no video":        {watch(func(w *mq.Watch) { w.VideoID = 0 }), false},
		"no author":       {watch(func(w *mq.Watch) { w.AuthorID = 0 }), false},
		"own":             {watch(func(w *mq.Watch) { w.AuthorID = 7 }), false},
		"longest":         {watch(func(w *mq.Watch) { w.WatchedMs = mq.MaxWatchedMs }), true},
		"too long":        {watch(func(w *mq.Watch) { w.WatchedMs = mq.MaxWatchedMs + 1 }), false},
		"negative":        {watch(func(w *mq.Watch) { w.WatchedMs = -1 }), false},
		"no session":      {watch(func(w *mq.Watch) { w.Session = "" }), false},
		"longest session": {watch(func(w *mq.Watch) { w.Session = strings.Repeat("~", mq.MaxSession) }), true},
		"long session":    {watch(func(w *mq.Watch) { w.Session = strings.Repeat("x", mq.MaxSession+1) }), false},
		"blank session":   {watch(func(w *mq.Watch) { w.Session = "x " }), false},
		"control session": {watch(func(w *mq.Watch) { w.Session = "x\x7f" }), false},
		"other letters":   {watch(func(w *mq.Watch) { w.Session = "é" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tc.event.Check(); (err == nil) != tc.ok || err != nil && !errors.Is(err, mq.ErrBadEvent) {
				t.Errorf("Check: %v", err)
			}
		})
	}
}

func many(n int) []mq.Watch {
	all := make([]mq.Watch, n)
	for i := range all {
		all[i] = mq.Watch{VideoID: int64(i + 1), AuthorID: 9, Session: "s"}
	}
	return all
}

// The bytes are a contract between builds that run side by side: a changed layout needs a new Version.
func TestLayout(t *testing.T) {
	e := event(func(e *mq.Event) {
		e.Watches = append(e.Watches, mq.Watch{VideoID: 11, AuthorID: 9, Session: "s-2", WatchedMs: 12, Finished: true})
	})
	const want = `{"v":1,"id":5,"at_ms":6,"user_id":7,"watches":[{"v":8,"a":9,"s":"s-1","ms":10},{"v":11,"a":9,"s":"s-2","ms":12,"f":true}]}`
	b, err := json.Marshal(e)
	if err != nil || string(b) != want {
		t.Errorf("encoded\n%s, %v, want\n%s", b, err, want)
	}
	var back mq.Event
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// The limit of an event is that of a call.
func TestLimits(t *testing.T) {
	if mq.MaxWatches != discovery.MAX_WATCHES {
		t.Errorf("%d watches in an event, %d in a call", mq.MaxWatches, discovery.MAX_WATCHES)
	}
}
