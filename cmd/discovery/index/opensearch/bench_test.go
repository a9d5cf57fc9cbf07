package opensearch_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"tiktok/cmd/discovery/index/indextest"
	"tiktok/cmd/discovery/index/opensearch"
)

// BenchmarkSearch is indextest.Bench on the cluster of the tests:
// go test -run '^$' -bench Search -benchtime 1x ./cmd/discovery/index/opensearch.
func BenchmarkSearch(b *testing.B) {
	cfg := opensearch.Config{Addrs: nodes(b), Prefix: fmt.Sprintf("bench%d", time.Now().UnixNano()), Shards: 1, Replicas: 1}
	e, err := opensearch.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	type node struct {
		Process struct {
			CPU struct {
				Millis int64 `json:"total_in_millis"`
			} `json:"cpu"`
		} `json:"process"`
		JVM struct {
			Mem struct {
				Heap int64 `json:"heap_used_in_bytes"`
			} `json:"mem"`
		} `json:"jvm"`
	}
	stats := func() map[string]node {
		var all struct {
			Nodes map[string]node `json:"nodes"`
		}
		_, answer := ask(b, http.MethodGet, "/_nodes/stats/process,jvm", "")
		if err := json.Unmarshal([]byte(answer), &all); err != nil {
			b.Fatal(err)
		}
		return all.Nodes
	}
	defer func() {
		ask(b, http.MethodDelete, "/"+cfg.Prefix+"-v*", "")
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	}()
	indextest.Bench(b, e, func() (used time.Duration) {
		for _, n := range stats() {
			used += time.Duration(n.Process.CPU.Millis) * time.Millisecond
		}
		return used
	}, func() string {
		var heap int64
		for _, n := range stats() {
			heap += n.JVM.Mem.Heap
		}
		return fmt.Sprintf("%d nodes with %d MB of heap in use together", len(stats()), heap>>20)
	})
}
