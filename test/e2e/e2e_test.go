// Package e2e_test lives whole lives in the product: the same scenarios against the all-in-one and the eight processes.
package e2e_test

import (
	"testing"

	"tiktok/test/harness"
)

// scenario is one story. All scenarios of a deployment share its store.
type scenario struct {
	name string
	run  func(t *testing.T, d *harness.Deployment)
}

func scenarios() []scenario {
	return []scenario{
		{"a fresh store", testFresh},
		{"a feed page is five calls", testRPCs},
		{"likes", testLikes},
		{"follows", testFollows},
		{"comments", testComments},
		{"uploads", testUploads},
		{"one name, many at once", testOneName},
		{"a school registers", testSchool},
		{"storm", testStorm},
		{"notices of a storm", testNotices},
		{"found, and gone", testFound},
		{"watched", testWatched},
		{"feeds", testFeeds},
		{"storm of watches", testWatchStorm},
		{"audit", func(t *testing.T, d *harness.Deployment) { d.Audit(t) }},
		{"life and restart", testLife},
		{"sessions", testSessions},
		{"events", testEvents},
		{"random walk", testRandomWalk},
		{"a stop lets an upload end", testStopDuringUpload},
		{"a stop among requests", testStopAmongRequests},
		{"a second one is told why not", testSecond},
		{"the clock is set back while it is down", testClockSetBack},
		{"audit again", func(t *testing.T, d *harness.Deployment) { d.Audit(t) }},
		{"logs keep secrets", testLogs},
	}
}

func TestEndToEnd(t *testing.T) {
	// The tests look at everything from everyone's side after each step; nobody does that by hand.
	opts := []harness.Option{harness.WithoutLimits()}
	harness.Each(t, opts, func(t *testing.T, d *harness.Deployment) {
		for _, s := range scenarios() {
			t.Run(s.name, func(t *testing.T) { s.run(t, d) })
		}
	})
}

// testFresh: nothing is there, and that is no error.
func testFresh(t *testing.T, d *harness.Deployment) {
	if page := d.Visitor().Feed(t, 0); len(page.Videos) != 0 || page.Next != 0 {
		t.Errorf("an empty store has %d videos and goes on at %d", len(page.Videos), page.Next)
	}
}
