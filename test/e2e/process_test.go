package e2e_test

import (
	"bufio"
	"context"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiktok/test/harness"
)

// startAllInOne runs the program as a person would, until the test ends, and returns what it prints when it is ready.
func startAllInOne(t *testing.T, bin string, args ...string) (welcome string, stop func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	lines := bufio.NewScanner(out)
	for !strings.Contains(b.String(), "Ctrl-C stops") && lines.Scan() {
		b.WriteString(lines.Text() + "\n")
	}
	return b.String(), func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		return cmd.Wait()
	}
}

// fails runs the program and returns what it prints before it ends with an error.
func fails(t *testing.T, bin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, bin, args...).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("%v went on or ended well: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestDemo starts the program as `make run` does, on an empty folder.
func TestDemo(t *testing.T) {
	bin, data := harness.BuildAllInOne(t), t.TempDir()
	welcome, stop := startAllInOne(t, bin, "-addr", "127.0.0.1:0", "-data", data)
	_, rest, _ := strings.Cut(welcome, "ready at ")
	url, _, _ := strings.Cut(rest, "\n")
	if !strings.Contains(welcome, "alice") || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("printed:\n%s", welcome)
	}
	get(t, url+"/readyz", "ok")
	feed := get(t, url+"/douyin/feed/", `"status_code":0`)
	if n := strings.Count(feed, `"play_url"`); n < 8 {
		t.Errorf("%d demo videos", n)
	}
	get(t, url+"/metrics", "tiktok_rpc_requests_total")
	get(t, url+"/douyin/user/login/?username=alice&password=tiktok-demo", `"status_code":10005`) // GET is not how to log in

	_, addr, _ := strings.Cut(url, "//")
	if out := fails(t, bin, "-addr", "127.0.0.1:0", "-data", data); !strings.Contains(out, "in use by another process") {
		t.Errorf("a second process on the folder says:\n%s", out)
	}
	if out := fails(t, bin, "-addr", addr, "-data", t.TempDir()); !strings.Contains(out, "address already in use") {
		t.Errorf("a second process on the port says:\n%s", out)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}

	// Again on the same folder: the same content, not twice.
	welcome, stop = startAllInOne(t, bin, "-addr", addr, "-data", data)
	if !strings.Contains(welcome, url) {
		t.Fatalf("printed:\n%s", welcome)
	}
	if again := get(t, url+"/douyin/feed/", `"status_code":0`); again != feed {
		t.Errorf("the feed has changed over a restart:\n%s\n%s", feed, again)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// TestWithoutDemo starts empty.
func TestWithoutDemo(t *testing.T) {
	d := harness.AllInOne(t)
	if page := d.Visitor().Feed(t, 0); len(page.Videos) != 0 || page.Next != 0 {
		t.Errorf("an empty store has %d videos and goes on at %d", len(page.Videos), page.Next)
	}
}

func get(t *testing.T, url, want string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), want) {
		t.Errorf("%s: no %s in %.300s", url, want, b.String())
	}
	return b.String()
}
