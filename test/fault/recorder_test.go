package fault_test

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// A recorder that finds nothing proves nothing: what happens behind its back, it must report.
func TestRecorder(t *testing.T) {
	d := harness.AllInOne(t, harness.WithoutLimits())
	s := newStorm(t, d)
	s.more(t, before, stormy)
	s.end()
	if r := s.compare(t); r.err() != nil || r.acknowledged != r.stored || int64(r.acknowledged) != s.total() {
		t.Fatalf("a quiet storm: %v, %d answered with success, %v", r, s.total(), r.err())
	}
	w := s.all[0]
	expect := func(lost, doubled int, what string) {
		t.Helper()
		r := s.compare(t)
		if r.lost != lost || r.doubled != doubled || r.acknowledged != r.stored+lost || !strings.Contains(strings.Join(r.wrong, "\n"), what) {
			t.Errorf("want lost %d, doubled %d, %q; got %v: %q", lost, doubled, what, r, r.wrong)
		}
	}
	if v := s.videos[0].ID; w.liked[0].On {
		w.Unlike(t, v)
	} else {
		w.Like(t, v)
	}
	expect(1, 0, w.Name+" likes video 0")
	if to := s.all[1].ID; w.follows[1].On {
		w.Unfollow(t, to)
	} else {
		w.Follow(t, to)
	}
	expect(2, 0, w.Name+" follows "+s.all[1].Name)

	a := &note{video: 1, text: "a comment", created: done}
	a.id = w.Comment(t, s.videos[1].ID, a.text).ID
	w.notes = append(w.notes, a)
	expect(2, 0, "")
	again := w.Comment(t, s.videos[1].ID, a.text)
	expect(2, 1, a.text)
	w.DeleteComment(t, s.videos[1].ID, again.ID)
	w.DeleteComment(t, s.videos[1].ID, a.id)
	expect(3, 0, a.text)

	m := &note{text: "a message", created: done}
	w.messages = append(w.messages, m)
	expect(4, 0, m.text)
	w.Send(t, w.peer().ID, m.text)
	expect(3, 0, "")
	w.Send(t, w.peer().ID, m.text)
	expect(3, 1, m.text)

	// What was refused must not be there.
	b := &note{video: 1, text: "refused", created: refused}
	w.notes = append(w.notes, b)
	expect(3, 1, "")
	w.Comment(t, s.videos[1].ID, b.text)
	expect(3, 2, "although it was refused")
	like, on := &w.liked[2], !w.liked[2].On
	like.Add(on, refused, harness.Span{})
	expect(3, 2, "")
	if on {
		w.Like(t, s.videos[2].ID)
	} else {
		w.Unlike(t, s.videos[2].ID)
	}
	expect(4, 2, fmt.Sprintf("refused since then: [%v]", on))
}
