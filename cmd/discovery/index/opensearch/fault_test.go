package opensearch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/opensearch"
)

// control runs test/env.sh on one node: kill, start.
func control(t *testing.T, command, node string) {
	t.Helper()
	run := os.Getenv("TIKTOK_TEST_OPENSEARCH_CONTROL")
	if run == "" {
		t.Skip("NOT RUN: a lost node of OpenSearch. TIKTOK_TEST_OPENSEARCH_CONTROL is not set (test/env.sh)")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	//nolint:gosec // what test/env.sh says
	if out, err := exec.CommandContext(ctx, "sh", "-c", run+" "+command+" "+node).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", command, node, err, out)
	}
}

// TestLosesNode: kill -9 of the node that manages the cluster. Nobody who searches or writes sees an error, and all that was acknowledged
// is there, also after the node came back.
func TestLosesNode(t *testing.T) {
	e := open(t, prefix(t), func(c *opensearch.Config) { c.Shards = 3 })
	const built, batch = 300, 20
	catalogue := map[int64]index.Doc{}
	docs := make([]index.Doc, 0, built)
	for id := range int64(built) {
		docs = append(docs, video(id, "cat", 1))
		catalogue[id] = docs[id]
	}
	serve(t, e, built, docs...)
	single := open(t, prefix(t), func(c *opensearch.Config) { c.Shards, c.Replicas = 6, 0 })
	serve(t, single, built, docs...)
	green(t, 3)
	_, node := ask(t, http.MethodGet, "/_cat/cluster_manager?h=node", "")
	node = strings.TrimSpace(node)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var searches atomic.Int64
	var slowest time.Duration
	var all sync.WaitGroup
	all.Go(func() {
		pace := time.NewTicker(5 * time.Millisecond) // leaves something of the machine to the nodes
		defer pace.Stop()
		for ctx.Err() == nil {
			<-pace.C
			began := time.Now()
			hits, err := e.Search(ctx, index.Query{Kind: index.Videos, Text: "cat", Limit: index.MaxLimit})
			if ctx.Err() == nil && (err != nil || len(hits) != index.MaxLimit) {
				t.Errorf("after %d searches: %d hits, %v", searches.Load(), len(hits), err)
				return
			}
			slowest = max(slowest, time.Since(began))
			searches.Add(1)
		}
	})
	position := int64(built)
	var stalled time.Duration
	apply := func() {
		t.Helper()
		docs := make([]index.Doc, 0, batch)
		for range batch {
			position++
			d := video(position%(2*built), fmt.Sprintf("cat %d", position), position)
			docs = append(docs, d)
			catalogue[d.ID] = d
		}
		began := time.Now()
		must(t, e.Apply(t.Context(), docs, position))
		stalled = max(stalled, time.Since(began))
	}
	for range 10 {
		apply()
	}
	killed := make(chan struct{})
	all.Go(func() {
		defer close(killed)
		control(t, "kill", node)
	})
	for going := true; going; {
		apply()
		select {
		case <-killed:
			going = false
		default:
		}
	}
	t.Cleanup(func() { // whatever happens here, others want three nodes
		control(t, "start", node)
		green(t, 3)
	})
	for range 20 {
		apply()
	}
	searched := searches.Load()
	for searches.Load() < searched+20 && !t.Failed() {
		apply()
	}
	compare(t, e, catalogue, position)
	withoutCopies(t, single, docs)
	control(t, "start", node)
	green(t, 3)
	apply()
	compare(t, e, catalogue, position)
	cancel()
	all.Wait()
	t.Logf("%s was lost: a batch took %d ms at most, of %d searches the slowest %d ms",
		node, stalled.Milliseconds(), searches.Load(), slowest.Milliseconds())
}

// TestNodeHangs: connections to one node of three stay open and nobody answers. Nobody waits longer than Timeout, and soon most searches
// find all: the client and the cluster leave the node alone before it is taken for lost.
func TestNodeHangs(t *testing.T) {
	e := open(t, prefix(t))
	docs := make([]index.Doc, 50)
	for i := range docs {
		docs[i] = video(int64(i), "cat", 1)
	}
	serve(t, e, 1, docs...)
	green(t, 3)
	_, answer := ask(t, http.MethodGet, "/_nodes/process", "")
	var all struct {
		Nodes map[string]struct {
			Name    string `json:"name"`
			Process struct {
				ID int `json:"id"`
			} `json:"process"`
		} `json:"nodes"`
	}
	must(t, json.Unmarshal([]byte(answer), &all))
	_, manager := ask(t, http.MethodGet, "/_cat/cluster_manager?h=node", "")
	pid := 0
	for _, n := range all.Nodes { // not that one: the cluster would choose another, which is another test
		if n.Name != strings.TrimSpace(manager) {
			pid = n.Process.ID
		}
	}
	process, err := os.FindProcess(pid)
	must(t, err)
	resume := sync.OnceFunc(func() { must(t, process.Signal(syscall.SIGCONT)) })
	t.Cleanup(func() {
		resume()
		green(t, 3)
	})
	must(t, process.Signal(syscall.SIGSTOP))
	const searches = 40
	failed := 0
	var slowest time.Duration
	for range searches {
		began := time.Now()
		hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 100})
		switch {
		case errors.Is(err, index.ErrUnavailable):
			failed++
		case err != nil || len(hits) != len(docs):
			t.Errorf("%d hits, %v", len(hits), err)
		}
		slowest = max(slowest, time.Since(began))
	}
	if failed > searches/4 || slowest > 3*time.Second {
		t.Errorf("%d searches of %d failed, the slowest took %v", failed, searches, slowest)
	}
	t.Logf("%d searches of %d failed, the slowest took %d ms", failed, searches, slowest.Milliseconds())
}

// withoutCopies: an index that has lost shards answers no search with the rest of them, and is there again when somebody builds it.
func withoutCopies(t *testing.T, e index.Engine, docs []index.Doc) {
	t.Helper()
	q := index.Query{Kind: index.Videos, Text: "cat", Limit: index.MaxLimit}
	if hits, err := e.Search(t.Context(), q); !errors.Is(err, index.ErrUnavailable) {
		t.Errorf("without some shards: %d hits, %v", len(hits), err)
	}
	serve(t, e, 1, docs...)
	if hits, err := e.Search(t.Context(), q); err != nil || len(hits) != index.MaxLimit {
		t.Errorf("built again: %d hits, %v", len(hits), err)
	}
}

// compare holds the videos of an index against what it shall have.
func compare(t *testing.T, e index.Engine, catalogue map[int64]index.Doc, position int64) {
	t.Helper()
	var want index.Sum
	for _, d := range catalogue {
		want.Docs++
		want.Checksum += d.Checksum()
	}
	got, err := e.Sums(t.Context(), []index.Range{{Kind: index.Videos, From: 0, To: 1 << 62}})
	must(t, err)
	if got[0] != want {
		t.Errorf("the index has %+v, want %+v", got[0], want)
	}
	if at, err := e.Position(t.Context()); err != nil || at != position {
		t.Errorf("position %d, %v, want %d", at, err, position)
	}
}

// TestAway: when nobody answers, whether connections are refused or taken, each call says so soon, and no password.
func TestAway(t *testing.T) {
	ctx := t.Context()
	silent, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close() //nolint:errcheck // at the end
	closed, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	for name, c := range map[string]struct {
		addr   string
		writes bool
	}{
		"refused": {closed.Addr().String(), true},
		"silent":  {silent.Addr().String(), false}, // a write waits longer than a test shall
	} {
		t.Run(name, func(t *testing.T) {
			e := open2(t, opensearch.Config{
				Addrs: []string{"http://" + c.addr, "http://" + c.addr}, Prefix: "x", Username: "u", Password: "geheim",
			})
			calls := map[string]func() error{
				"search": func() error {
					_, err := e.Search(ctx, index.Query{Kind: index.Videos, Text: "cat", Limit: 1})
					return err
				},
				"position": func() error { _, err := e.Position(ctx); return err },
				"info":     func() error { _, err := e.Info(ctx); return err },
				"build":    func() error { _, err := e.Build(ctx); return err },
			}
			if c.writes {
				calls["apply"] = func() error { return e.Apply(ctx, []index.Doc{video(1, "cat", 1)}, 1) }
				calls["sums"] = func() error { _, err := e.Sums(ctx, []index.Range{{Kind: index.Videos, To: 9}}); return err }
			}
			var all sync.WaitGroup
			for what, call := range calls {
				all.Go(func() {
					began := time.Now()
					err := call()
					if !errors.Is(err, index.ErrUnavailable) || strings.Contains(err.Error(), "geheim") {
						t.Errorf("%s: %v", what, err)
					}
					if took := time.Since(began); took > 3*time.Second {
						t.Errorf("%s took %v", what, took)
					}
				})
			}
			all.Wait()
		})
	}
}

// front is a proxy before a node, over TLS, for one user.
func front(t *testing.T, refuse func(r *http.Request) (status int)) *httptest.Server {
	t.Helper()
	to, err := url.Parse(nodes(t)[0])
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "search" || password != "geheim" {
			http.Error(w, `{"error":{"type":"security_exception","reason":"no"},"status":401}`, http.StatusUnauthorized)
			return
		}
		if status := refuse(r); status != 0 {
			http.Error(w, `{"error":{"type":"rejected_execution_exception","reason":"full"},"status":429}`, status)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not know its certificate
	server.StartTLS()
	return server
}

// TestLoginAndTLS: with a certificate that is known and the right login all works, also when the node is too busy for the first request
// of each sort.
func TestLoginAndTLS(t *testing.T) {
	var asked sync.Map
	server := front(t, func(r *http.Request) int {
		if _, again := asked.LoadOrStore(r.Method+r.URL.Path, true); !again {
			return http.StatusTooManyRequests
		}
		return 0
	})
	defer server.Close()
	cfg := opensearch.Config{Addrs: []string{server.URL}, Prefix: prefix(t), Username: "search", Password: "geheim"}
	strange := open2(t, cfg)
	if _, err := strange.Position(t.Context()); !errors.Is(err, index.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
	cfg.TLS.CA = certificate(t, server)
	e := open2(t, cfg)
	for i := range int64(3) {
		serve(t, e, i, video(i, "cat", i))
		must(t, e.Apply(t.Context(), []index.Doc{video(100, "cat", 50)}, 50))
		if hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 5}); err != nil || len(hits) != 2 {
			t.Errorf("%v, %v", hits, err)
		}
	}
	cfg.Password = "verraten"
	wrong := open2(t, cfg)
	_, err := wrong.Position(t.Context())
	if !errors.Is(err, index.ErrUnavailable) || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "verraten") {
		t.Errorf("wrong password: %v", err)
	}
}
