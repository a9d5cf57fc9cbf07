package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// TestProgram runs cmd/tiktok the way a person does.
func TestProgram(t *testing.T) {
	bin := harness.BuildAllInOne(t)
	data, addr := filepath.Join(t.TempDir(), "data"), harness.FreePort(t)
	began := time.Now()
	first := harness.RunProgram(t, bin, addr, "--addr", addr, "--data", data)
	t.Logf("ready with demo content after %v", time.Since(began).Round(time.Millisecond))
	before := feed(t, first.URL)
	authors, clips := map[string]bool{}, map[string]bool{}
	for _, v := range before {
		authors[v.Author.Name], clips[v.PlayURL] = true, true
	}
	if len(before) < 12 || len(authors) < 4 || len(clips) < 12 {
		t.Errorf("demo content: %d videos, %d clips, by %d authors", len(before), len(clips), len(authors))
	}
	for _, want := range []string{addr, "in a browser", "/docs", "password", data} {
		if out := first.Output(t); !strings.Contains(out, want) {
			t.Errorf("the greeting does not mention %s:\n%s", want, out)
		}
	}
	if out := first.Output(t); strings.Contains(out, "phone") { // it cannot reach loopback
		t.Errorf("the greeting has an address for phones:\n%s", out)
	}
	for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
		if res := ask(t, first.URL+path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: HTTP status %d", path, res.StatusCode)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "secret")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret: %v, %v", info, err)
	}

	t.Run("a second process on the same data", func(t *testing.T) {
		status, out := harness.RunToEnd(t, bin, nil, "--addr", harness.FreePort(t), "--data", data)
		if last := lastLine(out); status != 1 || !strings.Contains(last, "in use by another process") || !strings.Contains(last, data) {
			t.Errorf("ends with status %d and says %q", status, last)
		}
	})
	t.Run("a second process at the same address", func(t *testing.T) {
		status, out := harness.RunToEnd(t, bin, nil, "--addr", addr, "--data", filepath.Join(t.TempDir(), "data"))
		if last := lastLine(out); status != 1 || !strings.Contains(last, "address already in use") || !strings.Contains(last, addr) {
			t.Errorf("ends with status %d and says %q", status, last)
		}
	})
	t.Run("settings that cannot be", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(file, []byte("gateway:\n  address: :1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, args := range map[string][]string{
			"an unknown key":  {"--config", file},
			"no file":         {"--config", file + ".none"},
			"an unknown flag": {"--speed", "7"},
			"an old flag":     {"-data", data},
			"an argument":     {"run"},
			"a bad value":     {"--set", "gateway.feed_size=31"},
		} {
			if status, out := harness.RunToEnd(t, bin, nil, args...); status != 2 || out == "" {
				t.Errorf("%s: ends with status %d and says %q", name, status, out)
			}
		}
		if status, out := harness.RunToEnd(t, bin, nil, "config", "check", "--set", "auth.secret="+strings.Repeat("s3cr3t", 6)); status != 0 ||
			strings.Contains(out, "s3cr3t") {
			t.Errorf("config check ends with status %d and says %q", status, out)
		}
	})

	first.Stop(t)
	second := harness.RunProgram(t, bin, addr, "--addr", addr, "--data", data)
	after := feed(t, second.URL)
	if len(after) != len(before) {
		t.Fatalf("%d videos after a restart, %d before", len(after), len(before))
	}
	for i := range before {
		// What is made in the background may have come meanwhile.
		for _, v := range []*harness.Video{&before[i], &after[i]} {
			v.HLSURL, v.PreviewURL = "", ""
		}
		if before[i] != after[i] {
			t.Errorf("video %d was %+v and is %+v", i, before[i], after[i])
		}
	}
	second.Stop(t)

	none := harness.RunProgram(t, bin, addr, "--addr", addr, "--data", filepath.Join(t.TempDir(), "data"), "--demo=false")
	if v := feed(t, none.URL); len(v) != 0 {
		t.Errorf("without demo content there are %d videos", len(v))
	}
}

// ask gets what is at an address. The body is closed when the test ends.
func ask(t *testing.T, address string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() }) // it was only read
	return res
}

func feed(t *testing.T, base string) []harness.Video {
	t.Helper()
	var page struct {
		Videos []harness.Video `json:"video_list"`
	}
	if err := json.NewDecoder(ask(t, base+harness.PathFeed).Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return page.Videos
}

// TestDemoContent: the printed demo account logs in, and sees friends and a chat.
func TestDemoContent(t *testing.T) {
	d := harness.AllInOne(t, harness.Set("demo.enabled", "true"))
	alice := d.Login(t, "alice", "tiktok-demo")
	for _, v := range alice.Feed(t, 0).Videos {
		for kind, l := range map[string]string{"video/mp4": v.PlayURL, "image/jpeg": v.CoverURL, "image/png": v.Author.Avatar} {
			a := d.Raw(t, harness.Request{Method: http.MethodGet, Path: d.Below(t, l)})
			if a.Status != http.StatusOK || a.Header.Get("Content-Type") != kind || len(a.Raw) == 0 || len(a.Raw) > 500<<10 {
				t.Errorf("%s: HTTP %d, %s, %d bytes", l, a.Status, a.Header.Get("Content-Type"), len(a.Raw))
			}
		}
		if v.FavoriteCount == 0 || v.CommentCount == 0 {
			t.Errorf("%s has %d likes and %d comments", v.Title, v.FavoriteCount, v.CommentCount)
		}
	}
	friends := alice.Friends(t)
	if len(friends) == 0 {
		t.Fatal("alice has no friends")
	}
	var chats int
	for _, f := range friends {
		if f.Message != "" {
			chats++
			if m := alice.Chat(t, f.ID, 0); len(m) == 0 || m[len(m)-1].Content != f.Message {
				t.Errorf("the chat with %s: %+v, the list of friends shows %q", f.Name, m, f.Message)
			}
		}
	}
	if chats == 0 {
		t.Error("there is no chat")
	}
	d.Audit(t)
}
