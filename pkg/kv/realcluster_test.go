package kv_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
)

// TestRealCluster runs the suite on a Redis Cluster of three masters, which it starts in a folder of its own.
func TestRealCluster(t *testing.T) {
	addrs := kvtest.StartCluster(t, kvtest.ClusterOptions{Masters: 3}).Addrs()
	cfg := kv.Config{Driver: kv.DriverRedis, Addrs: addrs, Timeout: 5 * time.Second}
	onCluster := func(t *testing.T) kv.Store { return open(t, cfg) }
	kvtest.Run(t, onCluster)
	t.Run("lists", func(t *testing.T) { kvtest.RunLists(t, onCluster) })

	t.Run("loading cache, keys of many slots, many callers", func(t *testing.T) {
		type row struct{ N int64 }
		load := func(_ context.Context, ids []int64) (map[int64]row, error) {
			found := make(map[int64]row)
			for _, id := range ids {
				found[id] = row{N: id}
			}
			return found, nil
		}
		c := kv.NewLoadingCache(open(t, cfg), kv.Options[int64, row]{
			Kind: "row", Key: func(id int64) string { return fmt.Sprintf("tt:test:row:v1:{%d}", id) },
		}, load)
		var wg sync.WaitGroup
		for caller := range int64(32) {
			wg.Go(func() {
				for round := range 20 {
					ids := make([]int64, 30)
					for i := range ids {
						ids[i] = 1 + (caller+int64(i))%50
					}
					got, err := c.GetMulti(context.Background(), ids)
					if err != nil || len(got) != 30 || got[ids[7]].N != ids[7] {
						t.Errorf("caller %d, round %d: %v, %v", caller, round, got, err)
						return
					}
					c.Invalidate(context.Background(), ids[round%30])
				}
			})
		}
		wg.Wait()
	})
}
