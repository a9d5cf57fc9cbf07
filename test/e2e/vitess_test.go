package e2e_test

import (
	"os"
	"testing"

	"tiktok/test/harness"
)

// TestVitess: the scenarios on a vtgate with the keyspaces of deploy/vitess, user, interaction, social and chat on two shards each, and
// an audit of all of it. test/vitess/run.sh starts one.
func TestVitess(t *testing.T) {
	addr := os.Getenv("TIKTOK_TEST_VITESS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_VITESS is not set (test/vitess/run.sh)")
	}
	d := harness.Distributed(t, harness.WithoutLimits(), harness.Set("db.addr", addr), harness.Set("db.user", "root"),
		harness.Set("db.password", ""), harness.Set("db.schema_prefix", "tiktok_"))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) { s.run(t, d) })
	}
}
