package cli

import (
	"net/http"
	"strings"
	"testing"

	api "tiktok/cmd/api/biz/model/v1"
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
	if got, want := alice.Feed(t, 0).Videos, ownAlice.Feed(t, 0).Videos; len(got) != 12 || len(want) != 12 {
		t.Errorf("%d videos, the all-in-one has %d", len(got), len(want))
	}
	got, want := alice.Profile(t, alice.ID).Signature, ownAlice.Profile(t, ownAlice.ID).Signature
	if got != want || !strings.Contains(got, "海") {
		t.Errorf("the signature is %q, in the all-in-one %q", got, want)
	}
	if a, b := len(alice.Friends(t)), len(ownAlice.Friends(t)); a != b || a == 0 {
		t.Errorf("%d friends, in the all-in-one %d", a, b)
	}
	if a, b := views(t, d), views(t, own); a != b || a == 0 {
		t.Errorf("%d views, in the all-in-one %d", a, b)
	}
	d.Audit(t)
}

// views are those of the newest videos, together.
func views(t *testing.T, d *harness.Deployment) (n int64) {
	t.Helper()
	var page api.VideoPage
	a, err := d.Visitor().V1(t.Context(), http.MethodGet, "/feed", nil, nil)
	if err == nil {
		err = a.Into(http.StatusOK, &page)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Items {
		n += v.ViewCount
	}
	return n
}

// With --if-empty an empty deployment is filled, one that was begun is finished, and every other one is left as it is.
func TestDemoIfEmpty(t *testing.T) {
	d := harness.AllInOne(t)
	const password = "of the demo"
	fill := func(password string) string {
		t.Helper()
		code, out, errs := run(t, nil, "demo", "--url", d.URL(), "--if-empty", "--password", password)
		if code != 0 {
			t.Fatalf("%d %q %q", code, out, errs)
		}
		return out
	}
	owner := d.NewUser(t)
	owner.Publish(t, "mine")
	if out := fill(password); out != "" {
		t.Errorf("a deployment of somebody else: %q", out)
	}
	if n := len(owner.Feed(t, 0).Videos); n != 1 {
		t.Fatalf("%d videos", n)
	}
	// As after a first try that ended after the accounts, with a password of its own.
	d.Call(t, http.MethodPost, harness.PathRegister, harness.Params("username", "alice", "password", password), nil).OK(t)
	if out := fill("another password"); out != "" {
		t.Errorf("with another password: %q", out)
	}
	if out := fill(password); !strings.Contains(out, "going on") {
		t.Errorf("unfinished: %q", out)
	}
	if n := len(owner.Feed(t, 0).Videos); n != 13 {
		t.Errorf("%d videos", n)
	}
	// What is deleted afterwards does not come again.
	owner.DeleteVideo(t, owner.Published(t, owner.ID)[0].ID)
	if out := fill(password); !strings.Contains(out, "accounts") || strings.Contains(out, "videos") {
		t.Errorf("finished: %q", out)
	}
	if n := len(owner.Feed(t, 0).Videos); n != 12 {
		t.Errorf("%d videos after one was deleted", n)
	}
	d.Audit(t)
}
