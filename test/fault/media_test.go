package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

const (
	gatewayProcess = "api"
	videoProcess   = "video"
	// mediaLease is how long a killed worker's video waits.
	mediaLease = 2 * time.Second
	// largeFile takes long enough to be rewritten to be interrupted.
	largeFile = 96 << 20
)

// mediaSoon bounds what happens by itself: work, its repetitions, sweeps, deletions.
func mediaSoon() time.Duration {
	if long() {
		return 5 * time.Minute
	}
	return 90 * time.Second
}

// mediaOptions let a deployment work on videos, and sweep all the time.
func mediaOptions(t *testing.T) []harness.Option {
	t.Helper()
	return []harness.Option{
		harness.WithoutLimits(), harness.NeedFFmpeg(t),
		harness.Set("media.lease", mediaLease.String()), harness.Set("media.sweep_every", "300ms"),
	}
}

// TestMedia kills what works on videos.
func TestMedia(t *testing.T) {
	guard(t)
	d := harness.Distributed(t, mediaOptions(t)...)
	for _, s := range []struct {
		name string
		run  func(t *testing.T, d *harness.Deployment)
	}{
		{"the gateway is killed in an upload", testKilledInUpload},
		{"the gateway is killed in faststart", testKilledInFaststart},
		{"the video service is killed at work", testKilledAtWork},
		{"one of two workers is killed at work", testOneWorkerKilled},
	} {
		if !t.Run(s.name, func(t *testing.T) { s.run(t, d) }) {
			harness.Eventually(t, time.Minute, func() error { return d.Ready(t.Context()) }) // for the next one
		}
	}
}

// library is an author and what was said of uploads: titles that were taken, and those of which nobody knows.
type library struct {
	d      *harness.Deployment
	author *harness.User

	mu      sync.Mutex
	taken   map[string]bool // guarded by mu
	unknown map[string]bool // guarded by mu
	refused int             // guarded by mu
	codes   map[string]int  // guarded by mu
}

func newLibrary(t *testing.T, d *harness.Deployment) *library {
	t.Helper()
	return &library{d: d, author: d.NewUser(t), taken: map[string]bool{}, unknown: map[string]bool{}, codes: map[string]int{}}
}

// publish uploads a file and remembers what was said. An answer may be missing.
func (l *library) publish(ctx context.Context, t testing.TB, title string, data []byte) (code int32) {
	t.Helper()
	r := harness.Multipart(t, http.MethodPost, harness.PathPublish, harness.Params("token", l.author.Token, "title", title),
		harness.File{Field: "data", Name: "v.mp4", Data: data})
	a, err := l.d.Try(ctx, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.unknown[title] = true
		l.codes["no answer"]++
		return -1
	case a.Code == 0:
		l.taken[title] = true
	case a.Code == errno.Unavailable.Code, a.Code == errno.OutcomeUnknown.Code: // the text does not say whether it was published
		l.unknown[title] = true
	default:
		l.refused++
	}
	l.codes[fmt.Sprintf("%d %s", a.Code, a.Msg)]++
	return a.Code
}

// settled waits until everything that was taken is listed and nothing is under way, and returns what is listed.
func (l *library) settled(t *testing.T) (listed []harness.Video) {
	t.Helper()
	harness.Eventually(t, mediaSoon(), func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		// Calls to a killed process fail until etcd has forgotten it.
		a, err := l.author.Try(ctx, http.MethodGet, harness.PathPublishList, "user_id", l.author.ID)
		if err != nil || a.Code != 0 {
			return fmt.Errorf("%d %s: %w", a.Code, a.Msg, err)
		}
		var works struct {
			VideoList      []harness.Video      `json:"video_list"`
			ProcessingList []harness.Processing `json:"processing_list"`
		}
		if err := json.Unmarshal(a.Raw, &works); err != nil {
			return err
		}
		if len(works.ProcessingList) > 0 {
			return fmt.Errorf("not listed yet: %+v", works.ProcessingList)
		}
		there := map[string]bool{}
		for _, v := range works.VideoList {
			if there[v.Title] = true; v.State != "ready" {
				return fmt.Errorf("%q is %s, %d %% (%s)", v.Title, v.State, v.Progress, v.Reason)
			}
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		for title := range l.taken { // while a process is away its part of an answer may be missing
			if !there[title] {
				return fmt.Errorf("%q was taken and is not listed", title)
			}
		}
		listed = works.VideoList
		return nil
	})
	return listed
}

// verify checks that what was taken is there once and plays, that nothing else is there, that nothing is left over after
// a sweep, and that nothing at all is left when everything was deleted.
func (l *library) verify(t *testing.T) {
	t.Helper()
	listed := l.settled(t)
	r := &report{acknowledged: len(l.taken), stored: len(l.taken), refused: l.refused, unknown: len(l.unknown)}
	times := map[string]int{}
	for _, v := range listed {
		times[v.Title]++
		l.d.Plays(t, v)
		if !l.taken[v.Title] && !l.unknown[v.Title] || times[v.Title] > 1 {
			r.doubled++
			r.errorf("%q is there %d times", v.Title, times[v.Title])
		}
	}
	for _, v := range l.author.Feed(t, 0).Videos {
		if v.Author.ID == l.author.ID && times[v.Title] == 0 {
			r.errorf("%q is in the feed only", v.Title)
		}
	}
	l.d.AgeObjects(t)
	harness.Eventually(t, mediaSoon(), func() error {
		if left := l.d.Leftovers(t, listed); len(left) > 0 {
			return fmt.Errorf("%d objects are left over: %q", len(left), left[:min(len(left), 8)])
		}
		return nil
	})
	l.d.Audit(t)
	r.print(t)
	t.Logf("answers: %v", l.codes)
	if err := r.err(); err != nil {
		t.Error(err)
	}
	for _, v := range listed {
		l.author.DeleteVideo(t, v.ID)
	}
	harness.Eventually(t, mediaSoon(), func() error {
		if left := l.d.Objects(t); len(left) > 0 {
			return fmt.Errorf("everything is deleted, and there are %q", left[:min(len(left), 8)])
		}
		return nil
	})
	l.d.Audit(t)
}

// half sends the first half of an upload; rest sends the other one. answered gets nil, or why there is no answer.
func (l *library) half(t *testing.T, title string, data []byte) (rest func(), answered <-chan error) {
	t.Helper()
	r := harness.Multipart(t, http.MethodPost, harness.PathPublish, harness.Params("token", l.author.Token, "title", title),
		harness.File{Field: "data", Name: "v.mp4", Data: data})
	body, send := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, l.d.URL()+r.Path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", r.ContentType)
	req.ContentLength = int64(len(r.Body))
	result := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			err = errors.Join(err, res.Body.Close())
		}
		_ = body.CloseWithError(errors.Join(io.ErrClosedPipe, err))
		result <- err
	}()
	middle := len(r.Body) / 2
	if _, err := send.Write(r.Body[:middle]); err != nil {
		t.Fatalf("the first half: %v", err)
	}
	return func() {
		_, _ = send.Write(r.Body[middle:]) // nobody reads it any more
		_ = send.Close()
	}, result
}

// puts are the objects that are being written.
func puts(t *testing.T, d *harness.Deployment) (n int) {
	t.Helper()
	for _, key := range d.Objects(t) {
		if strings.HasPrefix(key, ".put/") {
			n++
		}
	}
	return n
}

// testKilledInUpload: half of a file has come when the gateway dies.
func testKilledInUpload(t *testing.T, d *harness.Deployment) {
	l := newLibrary(t, d)
	l.publish(t.Context(), t, "before", harness.TestData(t, "tiny.mp4"))
	rest, answered := l.half(t, "half", harness.MoovLast(t, 24<<20))
	harness.Eventually(t, mediaSoon(), func() error {
		if puts(t, d) == 0 {
			return errors.New("nothing of the upload has reached the store")
		}
		return nil
	})
	d.Kill(t, gatewayProcess)
	rest()
	if err := <-answered; err == nil {
		t.Error("a killed gateway has answered")
	}
	if puts(t, d) != 1 {
		t.Errorf("the kill has left %q", d.Objects(t))
	}
	d.Revive(t, gatewayProcess)
	l.publish(t.Context(), t, "after", harness.TestData(t, "tiny.mp4"))
	l.verify(t)
}

// testKilledInFaststart: the file has come, and the gateway dies while it writes the one that begins at once.
func testKilledInFaststart(t *testing.T, d *harness.Deployment) {
	l := newLibrary(t, d)
	data := harness.MoovLast(t, largeFile)
	for tries := 1; ; tries++ {
		answered := make(chan int32, 1)
		go func() { answered <- l.publish(t.Context(), t, fmt.Sprint("large ", tries), data) }()
		caught := inFaststart(t, d, answered)
		d.Kill(t, gatewayProcess)
		caught = caught && puts(t, d) > 0 // else it was quicker than the kill
		d.Revive(t, gatewayProcess)
		<-answered
		if caught {
			break
		}
		if tries == 5 {
			t.Fatal("faststart was always quicker than the kill")
		}
	}
	l.publish(t.Context(), t, "large after", data)
	l.verify(t)
}

// inFaststart waits until an upload is complete and its other form is being written; false when it was answered before.
func inFaststart(t *testing.T, d *harness.Deployment, answered chan int32) bool {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		whole, writing := false, false
		for _, key := range d.Objects(t) {
			whole = whole || strings.HasPrefix(key, "tmp/")
			writing = writing || strings.HasPrefix(key, ".put/")
		}
		if whole && writing {
			return true
		}
		select {
		case code := <-answered:
			answered <- code
			return false
		case <-tick.C:
		}
	}
}

// jobFolders are the folders of work under way, or of what was cut off.
func jobFolders(t *testing.T, d *harness.Deployment, step string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(d.Config.Media.WorkDir, "worker-*", "job-*", step, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// working waits until a step has begun to write.
func working(t *testing.T, d *harness.Deployment, step string) {
	t.Helper()
	harness.Eventually(t, mediaSoon(), func() error {
		if len(jobFolders(t, d, step)) == 0 {
			return fmt.Errorf("nobody is at %s", step)
		}
		return nil
	})
}

// unplayable is a video that no phone plays. It takes seconds to change that.
func unplayable(t *testing.T) []byte {
	t.Helper()
	return harness.MakeVideo(t, 8, "640x360", "in.mkv", "-c:v", "mpeg4", "-qscale:v", "3")
}

// testKilledAtWork kills the service in a transcode, and again in the ladder of the same video. Started again it goes on.
func testKilledAtWork(t *testing.T, d *harness.Deployment) {
	l := newLibrary(t, d)
	l.publish(t.Context(), t, "clip", unplayable(t))
	for _, step := range []string{"transcode", "hls"} {
		working(t, d, step)
		d.Kill(t, videoProcess)
		if len(jobFolders(t, d, step)) == 0 {
			t.Errorf("%s was done before the kill", step)
		}
		d.Revive(t, videoProcess)
	}
	if v := l.settled(t); len(v) != 1 || v[0].HLSURL == "" || v[0].PreviewURL == "" {
		t.Errorf("listed is %+v", v)
	}
	l.verify(t)
}

// testOneWorkerKilled: another worker takes up what a killed one has begun.
func testOneWorkerKilled(t *testing.T, d *harness.Deployment) {
	second := d.AddReplica(t, videoProcess)
	l := newLibrary(t, d)
	l.publish(t.Context(), t, "clip", unplayable(t))
	working(t, d, "transcode")
	victim := ""
	for _, name := range []string{videoProcess, second} {
		if n, _ := harness.Added(nil, d.CounterOf(t, name, "tiktok_media_jobs_running")); n > 0 {
			victim = name
		}
	}
	if victim == "" {
		t.Fatal("nobody says that it works")
	}
	d.Kill(t, victim)
	if len(jobFolders(t, d, "transcode")) == 0 {
		t.Error("the transcode was done before the kill")
	}
	began := time.Now()
	l.settled(t)
	t.Logf("%s was killed, the other one was done %v later", victim, time.Since(began).Round(10*time.Millisecond))
	d.Revive(t, victim)
	harness.Eventually(t, time.Minute, func() error { return d.Ready(t.Context()) })
	l.verify(t)
}

// TestMediaAway takes the S3 server away for ten seconds while people upload and watch.
func TestMediaAway(t *testing.T) {
	guard(t)
	// A ladder for each of the many uploads takes too long for the short form.
	d := harness.Distributed(t, append(mediaOptions(t), harness.OnS3(t), harness.Set("media.background", fmt.Sprint(long())))...)
	t.Run("the gateway is killed in an upload to S3", func(t *testing.T) { testKilledInUpload(t, d) })
	t.Run("S3 is away", func(t *testing.T) { testS3Away(t, d) })
}

const (
	// s3Outage is how long S3 is away.
	s3Outage = 10 * time.Second
	// uploaders and watchers are at it meanwhile; mediaPace is the pause between two uploads of one of them.
	uploaders, watchers = 3, 4
	mediaPace           = 200 * time.Millisecond
	watchPace           = 20 * time.Millisecond
)

// audience uploads and watches until stop is called.
type audience struct {
	stop                      func()
	uploads, watched, missing atomic.Int64
}

// gather lets people upload clips to the library and watch what of it is given.
func (l *library) gather(t *testing.T, videos []harness.Video) *audience {
	t.Helper()
	a := &audience{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	a.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(a.stop)
	clip := harness.TestData(t, "tiny.mp4")
	every := func(pace time.Duration, do func(n int)) {
		wg.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					do(n)
				}
			}
		})
	}
	for i := range uploaders {
		every(mediaPace, func(n int) {
			limit, cancel := context.WithTimeout(context.Background(), 2*patience)
			defer cancel()
			if l.publish(limit, t, fmt.Sprintf("%d by %d", n, i), clip) == 0 {
				a.uploads.Add(1)
			}
		})
	}
	for i := range watchers {
		every(watchPace, func(n int) {
			v := videos[(n+i)%len(videos)]
			if err := watch(v.PlayURL); err != nil {
				a.missing.Add(1)
			} else {
				a.watched.Add(1)
			}
		})
	}
	return a
}

// watch asks for the middle of a video.
func watch(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", "bytes=1000-1999")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusPartialContent || len(body) != 1000) {
		err = fmt.Errorf("HTTP status %d, %d bytes", res.StatusCode, len(body))
	}
	return err
}

// goesOn waits until people have uploaded and watched again.
func (a *audience) goesOn(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began, uploads, watched := time.Now(), a.uploads.Load(), a.watched.Load()
	harness.Eventually(t, within, func() error {
		// More than could have been under way.
		if u, w := a.uploads.Load()-uploads, a.watched.Load()-watched; u <= uploaders || w <= watchers {
			return fmt.Errorf("%d uploads, %d watched", u, w)
		}
		return nil
	})
	return time.Since(began).Round(10 * time.Millisecond)
}

// testS3Away: uploads are refused as busy, lists go on, and everything works again without a restart.
func testS3Away(t *testing.T, d *harness.Deployment) {
	l := newLibrary(t, d)
	clip := harness.TestData(t, "tiny.mp4")
	for i := range 3 {
		l.publish(t.Context(), t, fmt.Sprint("before ", i), clip)
	}
	a := l.gather(t, l.settled(t))
	a.goesOn(t, mediaSoon())
	server(t, "stop", "s3")
	back := false
	defer func() {
		if !back {
			server(t, "start", "s3")
		}
	}()
	harness.Eventually(t, s3Outage, func() error {
		if d.Ready(t.Context()) == nil {
			return errors.New("the gateway says that it is ready")
		}
		return nil
	})
	before := a.uploads.Load()
	pages := during(t.Context(), s3Outage, func() { l.author.Feed(t, 0) }) // fails the test unless it is answered
	if n := a.uploads.Load() - before; n > uploaders {
		t.Errorf("%d uploads were taken meanwhile", n)
	}
	server(t, "start", "s3")
	back = true
	t.Logf("%d feeds meanwhile; healed after %v", pages, a.goesOn(t, heal))
	harness.Eventually(t, heal, func() error { return d.Ready(t.Context()) })
	a.stop()
	t.Logf("%d uploads, watched %d times, %d times not", a.uploads.Load(), a.watched.Load(), a.missing.Load())
	if a.missing.Load() == 0 || len(l.unknown) == 0 {
		t.Error("nobody has noticed that S3 was away")
	}
	if l.refused > 0 || l.codes["no answer"] > 0 {
		t.Errorf("answers: %v", l.codes)
	}
	l.verify(t)
}
