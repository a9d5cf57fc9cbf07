package push_test

import (
	"encoding/json"
	"testing"
	"time"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"

	"tiktok/pkg/push/pushtest"
)

// A master of a Cluster ends, or hangs: hints to users whose channels it had come again within ten seconds, those of others all the time.
func TestClusterMasterIsLost(t *testing.T) {
	for name, lose := range kvtest.Losses() {
		t.Run(name, func(t *testing.T) {
			cluster := kvtest.StartCluster(t, kvtest.ClusterOptions{Masters: 3, Replicas: true, Settings: kvtest.Recommended()})
			cfg := kv.Config{Driver: kv.DriverRedis, Addrs: cluster.Addrs()}
			from, to := open(t, cfg), open(t, cfg)
			all := make([]subscriber, 24) // some of each master
			for i := range all {
				user := pushtest.User()
				all[i] = subscriber{user, pushtest.Subscribe(t, to, user)}
				comesAgain(t, from, user, all[i].hints)
			}
			lose(t, cluster.Nodes[1])
			began := time.Now()
			var slowest time.Duration
			at := 0
			for _, s := range all {
				comesAgain(t, from, s.user, s.hints)
				if took := time.Since(began); took-slowest > 100*time.Millisecond {
					slowest, at = took, at+1
				}
			}
			t.Logf("hints of all users come again after %.1f s", slowest.Seconds())
			if slowest > 10*time.Second {
				t.Errorf("hints come again after %v", slowest)
			}
			if at == 0 {
				t.Error("no user's channel was of the master that is lost")
			}
			for end := time.Now().Add(10 * time.Second); ; {
				err := to.Ping(t.Context())
				if err == nil {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("all channels are served, and still: %v", err)
				}
			}
		})
	}
}

type subscriber struct {
	user  int64
	hints <-chan json.RawMessage
}
