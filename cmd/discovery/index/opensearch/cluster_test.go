package opensearch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask asks the cluster itself, the first node that answers.
func ask(t testing.TB, method, path, body string) (status int, answer string) {
	t.Helper()
	// The context of a test has ended when its clean-up runs.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	var failed error
	for _, node := range nodes(t) {
		req, err := http.NewRequestWithContext(ctx, method, node+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			failed = err
			continue
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			failed = err
			continue
		}
		return resp.StatusCode, string(b)
	}
	t.Fatalf("no node answers: %v", failed)
	return 0, ""
}

// indices are those of a prefix.
func indices(t *testing.T, prefix string) []string {
	t.Helper()
	_, answer := ask(t, http.MethodGet, "/"+prefix+"-v*/_alias", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	var names []string
	for name := range got {
		names = append(names, name)
	}
	return names
}

// green waits until the index has all its copies, or, with an empty name, all have and there are so many nodes.
func green(t *testing.T, nodes int) {
	t.Helper()
	path := fmt.Sprintf("/_cluster/health?wait_for_status=green&wait_for_nodes=%d&timeout=15s", nodes)
	for deadline := time.Now().Add(60 * time.Second); ; {
		status, answer := ask(t, http.MethodGet, path, "")
		if status == http.StatusOK && strings.Contains(answer, `"timed_out":false`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster does not recover: %s", answer)
		}
	}
}
