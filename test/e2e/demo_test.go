package e2e_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// The all-in-one tells its gateway which accounts are the demo's, and its settings say who may log in with them, also when the
// demo content is of an earlier start.
func TestDemoAccountsAreForTheNeighbourhood(t *testing.T) {
	for public, want := range map[string]int32{"false": errno.Forbidden.Code, "true": 0} {
		d := harness.AllInOne(
			t,
			harness.Set("demo.enabled", "true"),
			harness.Set("demo.public", public),
			harness.Set("gateway.trusted_proxies", "127.0.0.1"),
		)
		login := func(from string) int32 {
			a := d.Raw(t, harness.Request{
				Method: http.MethodPost, Path: harness.PathLogin, Query: harness.Params("username", "alice", "password", "tiktok-demo"),
				Header: http.Header{"X-Forwarded-For": {from}},
			})
			var answer struct {
				Code int32 `json:"status_code"`
			}
			if err := json.Unmarshal(a.Raw, &answer); err != nil {
				t.Fatalf("%v: %s", err, a.Raw)
			}
			return answer.Code
		}
		if code := login("192.168.1.5"); code != 0 {
			t.Errorf("demo.public %s: from next door: %d", public, code)
		}
		if code := login("203.0.113.5"); code != want {
			t.Errorf("demo.public %s: from afar: %d, want %d", public, code, want)
		}
	}
}
