package opensearch_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/indextest"
	"tiktok/cmd/discovery/index/opensearch"
)

// nodes are the addresses of the cluster of the tests, of three nodes.
func nodes(t testing.TB) []string {
	t.Helper()
	list := os.Getenv("TIKTOK_TEST_OPENSEARCH")
	if list == "" {
		t.Skip("NOT RUN: search on OpenSearch. TIKTOK_TEST_OPENSEARCH is not set (test/env.sh start opensearch)")
	}
	return strings.Split(list, ",")
}

var prefixes atomic.Int64

// prefix is one that no other test has. Its indices are removed at the end of the test.
func prefix(t *testing.T) string {
	t.Helper()
	p := fmt.Sprintf("test%d-%d", time.Now().UnixNano(), prefixes.Add(1))
	t.Cleanup(func() {
		for _, name := range indices(t, p) {
			ask(t, http.MethodDelete, "/"+name, "")
		}
	})
	return p
}

func open(t *testing.T, p string, change ...func(*opensearch.Config)) *opensearch.Engine {
	t.Helper()
	cfg := opensearch.Config{Addrs: nodes(t), Prefix: p, Shards: 2, Replicas: 1}
	for _, c := range change {
		c(&cfg)
	}
	e, err := opensearch.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestConformance(t *testing.T) {
	nodes(t)
	indextest.Run(t, func(t *testing.T) index.Engine {
		return open(t, prefix(t), func(c *opensearch.Config) {
			if strings.HasSuffix(t.Name(), "Concurrent") {
				c.Shards = 1 // as many searches as go: two shards are twice the work, and prove no more
			}
		})
	})
}

// serve builds an index of these documents.
func serve(t *testing.T, e index.Engine, position int64, docs ...index.Doc) {
	t.Helper()
	b, err := e.Build(t.Context())
	must(t, err)
	must(t, b.Add(t.Context(), docs))
	must(t, b.Commit(t.Context(), position))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
