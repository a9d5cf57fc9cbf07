package cluster_test

import (
	"os"
	"testing"
)

func TestCluster(t *testing.T) {
	if os.Getenv("TIKTOK_CLUSTER") != "1" {
		t.Skip("starts fifteen servers and sixteen processes: make cluster")
	}
	n := newNetwork(t)
	s := startServers(t, n)
	t.Log(s.must(t, "leaders"))
}
