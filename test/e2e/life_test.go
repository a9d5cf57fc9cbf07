package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tiktok/test/harness"
)

// messageText begins every text that is nobody's business but the two sides'.
const messageText = "between you and me: "

// testLife is the way of the mobile client through the product, looked at from everyone's side after each step; then
// everything is stopped and started again, and nothing has changed.
func testLife(t *testing.T, d *harness.Deployment) {
	m := newModel(t, d, 3)
	ann, bob, eve := m.people[0], m.people[1], m.people[2]
	var sea, hill harness.Video
	steps := []struct {
		name string
		do   func()
	}{
		{"registering", func() {}},
		{"ann publishes", func() { sea = m.publish(t, ann, "sea of "+ann.Name) }},
		{"bob publishes", func() { hill = m.publish(t, bob, "hill of "+bob.Name) }},
		{"bob likes ann's video", func() { m.like(t, bob, sea.ID) }},
		{"ann likes her own video", func() { m.like(t, ann, sea.ID) }},
		{"eve likes both", func() { m.like(t, eve, sea.ID); m.like(t, eve, hill.ID) }},
		{"bob takes it back", func() { m.unlike(t, bob, sea.ID) }},
		{"bob likes it again", func() { m.like(t, bob, sea.ID) }},
		{"eve comments", func() { m.comment(t, eve, sea.ID, "where is that?") }},
		{"ann answers", func() { m.comment(t, ann, sea.ID, "at home 🌊") }},
		{"eve follows ann", func() { m.follow(t, eve, ann) }},
		{"bob follows ann", func() { m.follow(t, bob, ann) }},
		{"ann follows back: they are friends", func() { m.follow(t, ann, bob) }},
		{"bob writes to ann", func() { m.send(t, bob, ann, messageText+"hi") }},
		{"ann writes to bob", func() { m.send(t, ann, bob, messageText+"hello") }},
		{"eve writes to ann, who is no friend", func() { m.send(t, eve, ann, messageText+"may I?") }},
		{"ann follows eve", func() { m.follow(t, ann, eve) }},
		{"bob follows eve and stops", func() { m.follow(t, bob, eve); m.unfollow(t, bob, eve) }},
		{"eve deletes her comment", func() { m.deleteComment(t, 1) }},
		{"ann publishes again", func() { m.publish(t, ann, "night of "+ann.Name) }},
		{"ann leaves bob", func() { m.unfollow(t, ann, bob) }},
		{"stopping and starting again", func() { d.Stop(t); d.Start(t) }},
		{"eve likes and follows as if nothing had been", func() { m.unlike(t, eve, sea.ID); m.follow(t, eve, bob) }},
		{"bob publishes after it", func() {
			if v := m.publish(t, bob, "dawn of "+bob.Name); v.ID <= hill.ID {
				t.Errorf("id %d after a restart is not above %d", v.ID, hill.ID)
			}
		}},
		{"logging in again", func() {
			again := d.Login(t, ann.Name, ann.Password)
			if again.ID != ann.ID {
				t.Errorf("ann was %d and is %d", ann.ID, again.ID)
			}
			*ann = *again
		}},
	}
	for _, s := range steps {
		s.do()
		m.check(t, s.name)
	}
	for _, v := range d.Visitor().Published(t, ann.ID) {
		a := d.Raw(t, harness.Request{Method: "GET", Path: d.Below(t, v.PlayURL)})
		if a.Status != 200 || len(a.Raw) == 0 {
			t.Errorf("the file of %s after a restart: HTTP %d, %d bytes", v.Title, a.Status, len(a.Raw))
		}
	}
}

// testRandomWalk does what comes to its mind, and a model follows.
func testRandomWalk(t *testing.T, d *harness.Deployment) {
	const steps, checkEvery = 60, 5
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
	m := newModel(t, d, 4)
	anyone := func() *harness.User { return m.people[r.IntN(len(m.people))] }
	for _, u := range m.people {
		m.publish(t, u, "walk of "+u.Name)
	}
	done := ""
	for i := range steps {
		u, v := anyone(), m.videos[r.IntN(len(m.videos))]
		other := anyone()
		for other == u {
			other = anyone()
		}
		what := r.IntN(12)
		done += fmt.Sprintf(" %d", what)
		switch {
		case what < 3:
			m.like(t, u, v.ID)
		case what < 5:
			m.unlike(t, u, v.ID)
		case what < 7:
			m.follow(t, u, other)
		case what == 7:
			m.unfollow(t, u, other)
		case what < 10:
			m.comment(t, u, v.ID, fmt.Sprint("step ", i))
		case what == 10 && len(m.comments) > 0:
			m.deleteComment(t, r.IntN(len(m.comments)))
		default:
			m.send(t, u, other, messageText+fmt.Sprint("step ", i))
		}
		if i%checkEvery == checkEvery-1 {
			m.check(t, "the walk"+done)
		}
	}
}
