package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/test/harness"
)

// nodes are those of the cluster, by their names in test/env.sh.
func nodes() []string { return []string{"opensearch-1", "opensearch-2", "opensearch-3"} }

// startOpenSearch starts the cluster and returns its addresses. Where it cannot be had the test is skipped, loudly.
func startOpenSearch(t *testing.T) (addrs string) {
	t.Helper()
	env := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, filepath.Join(harness.RepoRoot(t), "test", "env.sh"), args...).CombinedOutput()
		return string(out), err
	}
	if out, err := env("start", "opensearch"); err != nil {
		t.Skipf("NOT RUN: faults of OpenSearch. It cannot be had here: %v\n%s", err, out)
	}
	out, err := env("env")
	found := regexp.MustCompile(`TIKTOK_TEST_OPENSEARCH='([^']+)'`).FindStringSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("test/env.sh env: %v\n%s", err, out)
	}
	return found[1]
}

// TestOpenSearch has the product search in a cluster of three nodes, of which one is lost, and then two.
func TestOpenSearch(t *testing.T) {
	guard(t)
	if !long() {
		t.Skip("long form only: make fault FORM=long; the engine alone is tested in the short form, too")
	}
	addrs := startOpenSearch(t)
	d := harness.Distributed(t, harness.WithoutLimits(),
		harness.Set("discovery.engine", "opensearch"), harness.Set("discovery.opensearch.addrs", addrs))
	for _, s := range []struct {
		name string
		lost []string
	}{
		{"one node of three is killed", nodes()[:1]},
		{"two nodes of three are killed", nodes()[1:]},
	} {
		t.Run(s.name, func(t *testing.T) { loseNodes(t, d, addrs, s.lost) })
	}
}

// green waits until the cluster has all copies.
func green(t *testing.T, addrs string) {
	t.Helper()
	first, _, _ := strings.Cut(addrs, ",")
	harness.Eventually(t, time.Minute, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first+"/_cluster/health?wait_for_status=green&timeout=5s", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("the cluster is not green: %d, %w", answer.StatusCode, err)
		}
		return nil
	})
}

// loseNodes kills nodes in a storm of searches and uploads, and starts them again. Who searches finds everything or is told that search is
// away; with most of the nodes left it never is. What is published meanwhile is found.
func loseNodes(t *testing.T, d *harness.Deployment, addrs string, lost []string) {
	t.Helper()
	author := d.NewUser(t)
	old := word(d)
	first := author.Publish(t, old)
	foundSoon(t, d, old, first.ID, heal)
	green(t, addrs)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var asked, refused atomic.Int64
	var searching sync.WaitGroup
	searching.Go(func() {
		for ctx.Err() == nil {
			ids, err := finds(ctx, d, old)
			switch {
			case ctx.Err() != nil:
			case errors.Is(err, errSearchAway):
				refused.Add(1)
			case err != nil || len(ids) == 0 || ids[0] != first.ID:
				t.Errorf("search finds %v, %v", ids, err)
				return
			}
			asked.Add(1)
		}
	})
	published := map[string]int64{}
	publish := func() {
		title := word(d)
		published[title] = author.Publish(t, title).ID
	}
	publish()
	for _, node := range lost {
		server(t, "kill", node)
		defer server(t, "start", node) // whatever happens: the next test wants three
	}
	during(t.Context(), outage()/2, publish)
	majority := len(lost) == 1
	if majority {
		for title, id := range published {
			foundSoon(t, d, title, id, heal)
		}
	}
	for _, node := range lost {
		server(t, "start", node)
	}
	publish()
	for title, id := range published {
		foundSoon(t, d, title, id, time.Minute)
	}
	cancel()
	searching.Wait()
	t.Logf("%d searches, %d were told that search is away; %d uploads are found", asked.Load(), refused.Load(), len(published))
	if majority && refused.Load() > 0 || asked.Load() == refused.Load() {
		t.Errorf("%d of %d searches were refused", refused.Load(), asked.Load())
	}
	(&report{acknowledged: len(published), stored: len(published), refused: int(refused.Load())}).print(t)
}
