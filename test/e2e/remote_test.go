package e2e_test

import (
	"os"
	"testing"

	"tiktok/test/harness"
)

// TestRemote lives the same life in a deployment that runs already: test/docker starts one in containers. It is run with
// limits off. The audit needs its stores' settings; without them (the all-in-one, whose folder is its own) there is none.
func TestRemote(t *testing.T) {
	d := harness.Remote(t)
	all := []scenario{
		{"likes", testLikes},
		{"follows", testFollows},
		{"comments", testComments},
		{"uploads", testUploads},
		{"one name, many at once", testOneName},
		{"storm", testStorm},
		{"life and restart", testLife},
		{"random walk", testRandomWalk},
	}
	if os.Getenv("TIKTOK_DB_ADDR") != "" {
		all = append(all, scenario{"audit", func(t *testing.T, d *harness.Deployment) { d.Audit(t) }})
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) { s.run(t, d) })
	}
}
