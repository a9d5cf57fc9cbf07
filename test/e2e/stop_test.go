package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/tiktok/app"
	"tiktok/config"
	"tiktok/pkg/telemetry"
	"tiktok/test/harness"
)

// testStopDuringUpload begins an upload, asks for a stop, and then sends the rest: it is answered, and the video is there
// after the next start.
func testStopDuringUpload(t *testing.T, d *harness.Deployment) {
	u := d.NewUser(t)
	r := harness.Multipart(t, http.MethodPost, harness.PathPublish, harness.Params("token", u.Token, "title", "in time"),
		harness.File{Field: "data", Name: "v.mp4", Data: padded(harness.TestData(t, "tiny.mp4"))})
	files := stored(t, d)
	body, send := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, d.URL()+r.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", r.ContentType)
	req.ContentLength = int64(len(r.Body))
	answered := make(chan error, 1)
	go func() { answered <- exchange(req) }()
	half := len(r.Body) - 500
	if _, err := send.Write(r.Body[:half]); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 10*time.Second, func() error {
		if stored(t, d) == files {
			return errors.New("nothing of the upload has reached the store")
		}
		return nil
	})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		d.Stop(t)
	}()
	harness.Eventually(t, 20*time.Second, func() error { return refuses(t, d) })
	if _, err := send.Write(r.Body[half:]); err != nil {
		t.Errorf("the rest is not taken: %v", err)
	}
	if err := errors.Join(send.Close(), <-answered); err != nil {
		t.Errorf("an upload under way at a stop: %v", err)
	}
	<-stopped
	d.Start(t)
	if v := u.Published(t, u.ID); len(v) != 1 || v[0].Title != "in time" {
		t.Errorf("after the next start there are %+v", v)
	}
}

// padded makes a clip larger than what a server reads ahead, with a box that players skip.
func padded(clip []byte) []byte {
	const padding = 300 << 10
	box := binary.BigEndian.AppendUint32(nil, padding)
	return append(append(append(slices.Clone(clip), box...), "free"...), make([]byte, padding-8)...)
}

// stored counts the files of the blob store.
func stored(t *testing.T, d *harness.Deployment) (n int) {
	t.Helper()
	err := filepath.WalkDir(d.Config.Blob.Dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		if errors.Is(err, fs.ErrNotExist) { // moved meanwhile
			err = nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// exchange sends a request and returns an error unless it succeeds.
func exchange(req *http.Request) error {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var a struct {
		Code int    `json:"status_code"`
		Msg  string `json:"status_msg"`
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return err
	}
	if a.Code != 0 {
		return fmt.Errorf("refused: %d %s", a.Code, a.Msg)
	}
	return nil
}

// refuses returns an error while the gateway takes new connections.
func refuses(t *testing.T, d *harness.Deployment) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(d.URL(), "http://"))
	if err != nil {
		return nil //nolint:nilerr // that is what is waited for
	}
	return errors.Join(errors.New("still listening"), conn.Close())
}

// testStopAmongRequests stops while many write. What was answered with success is there after the next start, and what
// was answered at all was answered as ever: no half answers, no HTTP errors.
func testStopAmongRequests(t *testing.T, d *harness.Deployment) {
	people := d.People(t, 8)
	author := d.NewUser(t)
	v := author.Publish(t, "stop "+author.Name)
	var acknowledged [8][]string
	var total atomic.Int64
	var wg sync.WaitGroup
	for i, u := range people {
		wg.Go(func() {
			for n := 0; ; n++ {
				text := fmt.Sprintf("%d of %d", n, i)
				ok, more := comment(t, d, u, v.ID, text)
				if ok {
					acknowledged[i] = append(acknowledged[i], text)
					total.Add(1)
				}
				if !more {
					return
				}
			}
		})
	}
	harness.Eventually(t, 30*time.Second, func() error {
		if n := total.Load(); n < 40 {
			return fmt.Errorf("only %d comments yet", n)
		}
		return nil
	})
	d.Stop(t)
	wg.Wait()
	d.Start(t)
	list := d.Visitor().Comments(t, v.ID)
	have := map[string]int{}
	for _, c := range list {
		have[c.Content]++
	}
	for _, texts := range acknowledged {
		for _, text := range texts {
			if len(list) < 1000 && have[text] != 1 { // lists end at 1000
				t.Errorf("comment %q was acknowledged and is there %d times", text, have[text])
			}
		}
	}
	own := d.Visitor().Published(t, author.ID)
	if n := own[0].CommentCount; n < total.Load() || len(list) < 1000 && n != int64(len(list)) {
		t.Errorf("comment_count %d, %d in the list, %d were acknowledged", n, len(list), total.Load())
	}
	t.Logf("%d comments were acknowledged before the stop, %d are there", total.Load(), own[0].CommentCount)
}

// comment posts one; more is false once the gateway is gone.
func comment(t *testing.T, d *harness.Deployment, u *harness.User, video int64, text string) (ok, more bool) {
	q := harness.Params("token", u.Token, "video_id", video, "action_type", 1, "comment_text", text)
	req, err := http.NewRequestWithContext(
		context.WithoutCancel(t.Context()),
		http.MethodPost,
		d.URL()+harness.PathComment+"?"+q.Encode(),
		nil,
	)
	if err != nil {
		t.Error(err)
		return false, false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, false // not answered: the connection ended or was refused
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	var a struct {
		Code int    `json:"status_code"`
		Msg  string `json:"status_msg"`
	}
	if err = errors.Join(err, json.NewDecoder(bytes.NewReader(raw)).Decode(&a)); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("during a stop: HTTP %d, %.100s: %v", res.StatusCode, raw, err)
		return false, false
	}
	if a.Code != 0 {
		t.Logf("during a stop: %d %s", a.Code, a.Msg)
	}
	return a.Code == 0, true
}

// testSecond: a second process on the same data or the same address says what is wrong and ends.
func testSecond(t *testing.T, d *harness.Deployment) {
	if d.Name == harness.NameDistributed {
		for _, name := range []string{"api", "user"} {
			status, output := d.Again(t, name)
			if last := lastLine(output); status != 1 || !strings.Contains(last, "address already in use") || !strings.Contains(last, "127.0.0.1:") {
				t.Errorf("a second %s ends with status %d and says %q", name, status, last)
			}
		}
		d.Visitor().Feed(t, 0)
		return
	}
	_, err := app.Open(t.Context(), d.Config, telemetry.Discard())
	if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), d.Config.DataDir) {
		t.Errorf("on the same data folder: %v", err)
	}
	elsewhere := harness.Settings(t, config.AllInOneProcess(), map[string]string{
		"gateway.addr": strings.TrimPrefix(d.URL(), "http://"), "data_dir": t.TempDir(), "demo.enabled": "false",
	})
	_, err = app.Open(t.Context(), elsewhere, telemetry.Discard())
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("at the same address: %v", err)
	}
	d.Visitor().Feed(t, 0)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// testLogs: what was said in confidence is in no log.
func testLogs(t *testing.T, d *harness.Deployment) {
	log := d.Logs(t)
	if !strings.Contains(log, harness.PathFavorite[:len(harness.PathFavorite)-1]) {
		t.Fatal("requests are not logged at all; the test shows nothing")
	}
	secrets := []string{strings.TrimSuffix(messageText, ": ")}
	for _, u := range d.People(t, 3) {
		_, rest, _ := strings.Cut(u.Token, ".")
		secrets = append(secrets, u.Token, rest, u.Password)
	}
	if d.Config.Auth.Secret != "" {
		secrets = append(secrets, d.Config.Auth.Secret)
	}
	for line := range strings.Lines(log) {
		if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(line, s) }); i >= 0 {
			t.Errorf("%q is in the log: %s", secrets[i], line)
		}
		// Nothing of what these tests do is a fault, and no race was found.
		for _, sign := range []string{"level=ERROR", "DATA RACE", "panic"} {
			if strings.Contains(line, sign) {
				t.Errorf("logged: %s", line)
			}
		}
	}
}
