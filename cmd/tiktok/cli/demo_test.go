package cli

import (
	"strings"
	"testing"

	"tiktok/cmd/tiktok/app/demo"
	"tiktok/test/harness"
)

// A deployment without videos is filled once; with --force what is there already stays as it is.
func TestDemoOverHTTP(t *testing.T) {
	d := harness.AllInOne(t)
	const password = "of the demo"
	fill := func(args ...string) (int, string, string) {
		return run(t, nil, append([]string{"demo", "--url", d.URL()}, args...)...)
	}
	if code, out, errs := fill("--password", password); code != 0 || !strings.Contains(out, password) {
		t.Fatalf("%d %q %q", code, out, errs)
	}
	if code, _, errs := fill("--password", password); code != exitFailed || !strings.Contains(errs, "--force") {
		t.Errorf("a feed with videos: %d %q", code, errs)
	}
	if code, _, errs := fill("--force"); code != exitFailed || !strings.Contains(errs, "another password") {
		t.Errorf("a random password for accounts that are there: %d %q", code, errs)
	}
	if code, _, errs := fill("--force", "--password", password); code != 0 {
		t.Errorf("again: %d %q", code, errs)
	}
	// The same content as an all-in-one makes for itself.
	own := harness.AllInOne(t, harness.Set("demo.enabled", "true"))
	alice, ownAlice := d.Login(t, "alice", password), own.Login(t, "alice", demo.Password)
	if got, want := alice.Feed(t, 0).Videos, ownAlice.Feed(t, 0).Videos; len(got) != 8 || len(want) != 8 {
		t.Errorf("%d videos, the all-in-one has %d", len(got), len(want))
	}
	d.Audit(t)
}
