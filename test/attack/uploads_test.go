package attack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/test/harness"
)

// gaveUp is when clients of a small upload give up, and send it again. The aim is half of it, and the log says how much it was: a
// busy machine is no reason to fail.
const gaveUp = 6 * time.Second

// maxSpooled is how much of uploads without a token may be on the disk.
const maxSpooled = 600 << 20

// withFFmpeg lets the deployment use ffmpeg, which makes an upload the most expensive request.
func withFFmpeg(t *testing.T) []harness.Option { return []harness.Option{harness.NeedFFmpeg(t)} }

// upload sends a form whose file comes first, and returns the answer's code.
func (v *victim) upload(ctx context.Context, from, token, title string, file io.Reader) (int32, string, error) {
	body, in := io.Pipe()
	form := multipart.NewWriter(in)
	go func() {
		part, err := form.CreateFormFile("data", "video.mp4")
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil && token != "" {
			err = form.WriteField("token", token)
		}
		_ = in.CloseWithError(errors.Join(err, form.WriteField("title", title), form.Close())) // always nil
	}()
	defer func() { _ = body.Close() }() // always nil
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.URL()+harness.PathPublish, body)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	c := client(from, false)
	c.Timeout = time.Minute
	return do(c, req)
}

// anonymousUploads sends files of 32 MiB before a token that never comes.
func anonymousUploads(t *testing.T, v *victim) int {
	const requests, size = 64, 32 << 20
	media := v.Config.Blob.Dir
	before := sizeOf(media)
	done, most := make(chan struct{}), make(chan int64, 1)
	go func() {
		top := int64(0)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				most <- top
				return
			case <-tick.C:
				top = max(top, sizeOf(media)-before)
			}
		}
	}()
	chunk := make([]byte, size)
	harness.Parallel(t, requests, func(t testing.TB, i int) {
		code, _, err := v.upload(t.Context(), attackerAddr(0), "", "stored for nobody", bytes.NewReader(chunk))
		if err == nil && code == 0 {
			v.lost("an upload without a token is published")
		}
	})
	close(done)
	top := <-most
	t.Logf("%d MB on the disk at most", top>>20)
	if top > maxSpooled {
		v.lost("%d MB of uploads without a token are on the disk", top>>20)
	}
	harness.Eventually(t, lookTimeout, func() error {
		if left := sizeOf(media) - before; left > 1<<20 {
			return fmt.Errorf("%d bytes of refused uploads stay", left)
		}
		return nil
	})
	return requests
}

// sizeOf is how many bytes are in the files of a folder now.
func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // what vanishes meanwhile counts nothing
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // see above
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}

// floodUploads is 60 people who publish at once.
func floodUploads(t *testing.T, v *victim) int {
	clip := harness.MakeVideo(t, 4, "1280x720", "clip.mp4", "-c:v", "libx264", "-preset", "ultrafast")
	var mu sync.Mutex
	var took []time.Duration
	harness.Parallel(t, len(v.users), func(t testing.TB, i int) {
		began := time.Now()
		code, msg, err := v.upload(t.Context(), attackerAddr(i), v.users[i].Token, "one of sixty", bytes.NewReader(clip))
		if err != nil || code != 0 {
			v.lost("an upload is answered with %d %s, %v", code, msg, err)
		}
		mu.Lock()
		took = append(took, time.Since(began))
		mu.Unlock()
	})
	slices.Sort(took)
	t.Logf("answered within %v, half of them within %v", took[len(took)-1].Round(time.Millisecond), took[len(took)/2].Round(time.Millisecond))
	if last := took[len(took)-1]; last > gaveUp {
		v.lost("an upload is answered after %v", last.Round(time.Millisecond))
	}
	return len(v.users)
}

// eatWorker uploads what is expensive to make playable, and many of it; then somebody else publishes.
func eatWorker(t *testing.T, v *victim) int {
	const many = 12
	attacker, other := v.users[0], v.users[1]
	clip := harness.TestData(t, "hevc.mp4")
	requests := many
	if long() {
		huge := hugeVideo(t)
		requests++
		if code, _, err := v.upload(t.Context(), attackerAddr(0), attacker.Token, "huge", bytes.NewReader(huge)); err != nil {
			t.Fatal(err)
		} else if code == 0 {
			t.Log("the huge video is taken")
		}
	}
	for i := range many {
		_, _, err := v.upload(t.Context(), attackerAddr(0), attacker.Token, fmt.Sprintf("work %d", i), bytes.NewReader(distinct(clip, i)))
		if err != nil {
			t.Fatal(err)
		}
	}
	if code, msg, err := v.upload(t.Context(), bystanderAddr, other.Token, "mine", bytes.NewReader(clip)); err != nil || code != 0 {
		t.Fatalf("somebody else's upload: %d %s, %v", code, msg, err)
	}
	began := time.Now()
	harness.Eventually(t, time.Minute, func() error {
		for _, x := range other.Through(v.Deployment).Published(t, other.ID) {
			if x.Title == "mine" {
				return nil
			}
		}
		return errors.New("somebody else's clip is not listed")
	})
	_, waiting := attacker.Through(v.Deployment).Works(t, attacker.ID)
	t.Logf("somebody else's clip was listed after %v; %d of the attacker's wait", time.Since(began).Round(time.Millisecond), len(waiting))
	if len(waiting) == 0 {
		v.lost("somebody else's clip waited for all of the attacker's")
	}
	return requests
}

// distinct is the same video with other bytes behind it, which players skip.
func distinct(clip []byte, n int) []byte {
	return slices.Concat(clip, []byte{0, 0, 0, 12, 'f', 'r', 'e', 'e', byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// hugeVideo is of 8192x4320 pixels, and long enough to keep a processor busy for minutes.
func hugeVideo(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "huge.mp4")
	args := strings.Fields("-nostdin -v error -f lavfi -i color=size=8192x4320:rate=30:duration=10 -pix_fmt yuv420p " +
		"-c:v libx265 -preset ultrafast -x265-params log-level=error")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, file)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func long() bool { return os.Getenv("TIKTOK_ATTACK_FORM") == "long" }

// bigVideo is one that a slow reader needs minutes for.
func bigVideo(t *testing.T, v *victim) {
	v.users = v.People(t, 1)
	v.users[0].TryPublish(t, "big", harness.File{Data: harness.MoovLast(t, 5<<20)}).OK(t)
}

// readSlowly is somebody with a bad connection: 25 KB a second must do.
func readSlowly(t *testing.T, v *victim) int {
	me := v.users[0].Through(v.Deployment)
	list := me.Published(t, me.ID)
	if len(list) != 1 {
		t.Fatalf("%d videos", len(list))
	}
	c, err := v.dial(t.Context(), attackerAddr(0))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // only read
	if tcp, ok := c.(interface{ SetReadBuffer(bytes int) error }); ok {
		if err := tcp.SetReadBuffer(8 << 10); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", v.Below(t, list[0].PlayURL)); err != nil {
		t.Fatal(err)
	}
	got, tick := int64(0), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		n, err := io.CopyN(io.Discard, c, 25_000)
		got += n
		if err != nil {
			if got < 5<<20 {
				v.lost("it is cut after %d bytes: %v", got, err)
			}
			return 1
		}
		<-tick.C
	}
}
