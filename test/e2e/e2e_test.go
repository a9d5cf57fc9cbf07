// Package e2e_test lives the lives of the product's users, on both deployments: what one does, everybody sees rightly.
package e2e_test

import (
	"testing"

	"tiktok/test/harness"
)

func TestAllInOne(t *testing.T) { run(t, harness.AllInOne(t, harness.WithoutLimits())) }

func TestDistributed(t *testing.T) { run(t, harness.Distributed(t, harness.WithoutLimits())) }

// run lives every scenario on one store; the audit and the restart come after all the storms.
func run(t *testing.T, d *harness.Deployment) {
	for _, s := range []struct {
		name string
		run  func(t *testing.T, d *harness.Deployment)
	}{
		{"life", testLife},
		{"likes of one user at once", testOneUserLikesAtOnce},
		{"likes of many users at once", testManyUsersLikeAtOnce},
		{"like and unlike storm", testLikeStorm},
		{"comments at once", testCommentsAtOnce},
		{"follows at once", testFollowsAtOnce},
		{"registers of one name at once", testRegistersAtOnce},
		{"calls of a feed page", testFeedCalls},
		{"audit", func(t *testing.T, d *harness.Deployment) { d.Audit(t) }},
		{"restart", testRestart},
		{"nothing secret in the logs", testLogs},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, d) })
	}
}
