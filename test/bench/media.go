package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"tiktok/config"
	"tiktok/pkg/media"
)

// mediaFigures is the argument that asks for the figures of docs/media.md instead of a load.
const mediaFigures = "media"

const (
	// uploadBytes is the size of the uploaded file.
	uploadBytes = 100 << 20
	// viewers is how many connections ask for parts of it, partBytes what each asks for, viewing for how long, and turns how
	// often nginx and the gateway take turns.
	viewers   = 64
	partBytes = 256 << 10
	viewing   = 4 * time.Second
	turns     = 3
	// slowRate is how many parts are asked for in a second when nobody has to wait for a processor.
	slowRate = 400
	// clips of clipSeconds are what the worker works on.
	clips       = 6
	clipSeconds = 10
	// workTimeout bounds that.
	workTimeout = 8 * time.Minute
	nginxBinary = "/usr/sbin/nginx"
	s3Binary    = "bin/tools/versitygw"
)

// measureMedia prints what uploads, parts of files and the work on clips cost, in a deployment of its own for each.
func measureMedia(ctx context.Context, args []string, out io.Writer) (err error) {
	fs := flag.NewFlagSet("bench media", flag.ContinueOnError)
	bin := fs.String("bin", "bin/bench", "`folder` of the programs to start")
	port := fs.Int("port", 11001, "first port of the processes")
	doc := fs.String("md", "", "write the figures between the markers of this Markdown `file`")
	only := fs.Bool("at-once", false, "only uploads at once")
	if err := fs.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tiktok-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &mediaBench{bin: *bin, dir: dir, port: *port, out: out}
	if *only {
		err := m.atOnce(ctx)
		fmt.Fprint(out, m.text.String())
		return err
	}
	last, first, err := m.files(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&m.text, "%s.\n\n", machine())
	if err := m.faststart(ctx, last); err != nil {
		return err
	}
	m.text.WriteString("| upload of 100 MiB | store | time | gateway before | at most |\n|---|---|---|---|---|\n")
	for _, store := range []string{"local", "s3"} {
		if err := m.uploads(ctx, store, first, last); err != nil {
			return err
		}
	}
	m.text.WriteString("\n")
	if err := m.views(ctx, first); err != nil {
		return err
	}
	if err := m.work(ctx); err != nil {
		return err
	}
	m.text.WriteString("\n")
	if err := m.atOnce(ctx); err != nil {
		return err
	}
	fmt.Fprint(out, m.text.String())
	if *doc != "" {
		return replaceSection(*doc, mediaFigures, m.text.String())
	}
	return nil
}

// mediaBench is what the figures are measured with.
type mediaBench struct {
	bin, dir string
	port     int
	out      io.Writer
	text     strings.Builder
}

func (m *mediaBench) at(i int) string { return fmt.Sprintf("127.0.0.1:%d", m.port+i) }

// files makes a video of uploadBytes whose description is at its end, as cameras write it, and the same with the
// description in front.
func (m *mediaBench) files(ctx context.Context) (last, first string, err error) {
	clip, err := os.ReadFile("test/testdata/moov-last.mp4")
	if err != nil {
		return "", "", err
	}
	head := bytes.Index(clip, []byte("mdat")) - 4
	if head < 0 {
		return "", "", errors.New("moov-last.mp4 has no content")
	}
	size := binary.BigEndian.Uint32(clip[head:])
	end := head + int(size)
	padding := make([]byte, uploadBytes-len(clip))
	_, _ = rand.NewChaCha8([32]byte{}).Read(padding) // never fails; zeros would be a hole somewhere
	file := slices.Concat(clip[:end], padding, clip[end:])
	binary.BigEndian.PutUint32(file[head:], size+uint32(len(padding)))
	last, first = filepath.Join(m.dir, "last.mp4"), filepath.Join(m.dir, "first.mp4")
	if err := os.WriteFile(last, file, 0o600); err != nil {
		return "", "", err
	}
	f, err := os.Create(first)
	if err != nil {
		return "", "", err
	}
	_, err = media.Faststart(ctx, bytes.NewReader(file), int64(len(file)), f)
	return last, first, errors.Join(err, f.Close())
}

// faststart measures it by itself, from file to file, the disk included.
func (m *mediaBench) faststart(ctx context.Context, last string) error {
	best := time.Duration(0)
	for range 5 {
		r, err := os.Open(last)
		if err != nil {
			return err
		}
		w, err := os.Create(filepath.Join(m.dir, "out.mp4"))
		if err != nil {
			return errors.Join(err, r.Close())
		}
		began := time.Now()
		_, err = media.Faststart(ctx, r, uploadBytes, w)
		err = errors.Join(err, w.Sync())
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
		if err := errors.Join(err, w.Close(), r.Close()); err != nil {
			return err
		}
	}
	fmt.Fprintf(&m.text, "Faststart of 100 MiB, from file to file with fsync, best of 5: %s.\n\n", shortly(best))
	return os.Remove(filepath.Join(m.dir, "out.mp4"))
}

// start runs an all-in-one with a fresh store and returns how to reach it and how to stop it.
func (m *mediaBench) start(ctx context.Context, name string, set map[string]string) (*mediaUser, *process, error) {
	dir := filepath.Join(m.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	all := map[string]string{
		"data_dir": dir, "gateway.addr": m.at(0), "telemetry.admin_addr": m.at(100), "limits.driver": "off", "telemetry.log_level": "warn",
		"demo.enabled": "false", "media.ffmpeg": "off", "media.background": "false",
	}
	for k, v := range set {
		all[k] = v
	}
	p, err := startProcess(filepath.Join(m.bin, config.AllInOne), nil, environ(false, all), filepath.Join(m.dir, name+".log"))
	if err != nil {
		return nil, nil, err
	}
	limit, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = poll(limit, func() error {
		if err := p.ended(); err != nil {
			return permanent{err}
		}
		_, err := get(limit, "http://"+m.at(0)+"/readyz")
		return err
	})
	u := &mediaUser{base: "http://" + m.at(0)}
	if err == nil {
		err = u.register(ctx, "uploader")
	}
	if err != nil {
		return nil, nil, errors.Join(err, p.stop())
	}
	return u, p, nil
}

// mediaUser is somebody who uploads.
type mediaUser struct {
	base, token string
	id          int64
}

func (u *mediaUser) register(ctx context.Context, name string) error {
	var got struct {
		ID    int64  `json:"user_id"`
		Token string `json:"token"`
	}
	if err := u.call(ctx, http.MethodPost, "/douyin/user/register/?password=uploader-1&username="+url.QueryEscape(name), "", nil, &got); err != nil {
		return err
	}
	u.id, u.token = got.ID, got.Token
	return nil
}

// call sends a request and reads a successful answer into v.
func (u *mediaUser) call(ctx context.Context, method, path, kind string, body io.Reader, v any) error {
	req, err := http.NewRequestWithContext(ctx, method, u.base+path, body)
	if err != nil {
		return err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(answer, []byte(`{"status_code":0,`)) {
		return fmt.Errorf("%s: HTTP status %d: %.200s", path, res.StatusCode, answer)
	}
	return json.Unmarshal(answer, v)
}

// upload publishes a file, streamed from the disk.
func (u *mediaUser) upload(ctx context.Context, title, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	err = errors.Join(w.WriteField("token", u.token), w.WriteField("title", title))
	if _, ferr := w.CreateFormFile("data", "video.mp4"); err != nil || ferr != nil {
		return errors.Join(err, ferr)
	}
	head := bytes.Clone(form.Bytes())
	form.Reset()
	if err := w.Close(); err != nil {
		return err
	}
	return u.call(ctx, http.MethodPost, "/douyin/publish/action/", w.FormDataContentType(),
		io.MultiReader(bytes.NewReader(head), f, &form), &struct{}{})
}

// mediaWork is a video as its author is shown it.
type mediaWork struct {
	Title   string `json:"title"`
	PlayURL string `json:"play_url"`
	State   string `json:"state"`
}

func (u *mediaUser) works(ctx context.Context) ([]mediaWork, error) {
	var got struct {
		Videos []mediaWork `json:"video_list"`
	}
	err := u.call(ctx, http.MethodGet, fmt.Sprintf("/douyin/publish/list/?user_id=%d&token=%s", u.id, url.QueryEscape(u.token)), "", nil, &got)
	return got.Videos, err
}

// uploads measures both files on a store, the second time each, when the process has warmed up.
func (m *mediaBench) uploads(ctx context.Context, store, first, last string) (err error) {
	set := map[string]string{}
	if store == "s3" {
		stop, missing := m.s3(ctx, set)
		if missing != nil {
			fmt.Fprintf(&m.text, "| | s3 | %v | | |\n", missing)
			return nil
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	u, p, err := m.start(ctx, "upload-"+store, set)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	for _, form := range []struct{ name, path string }{{"plays as it is", first}, {"rewritten (faststart)", last}} {
		var took time.Duration
		var before, after usage
		for range 2 {
			if before, err = freshPeak(p.pid()); err != nil {
				return err
			}
			began := time.Now()
			if err := u.upload(ctx, form.name, form.path); err != nil {
				return err
			}
			took = time.Since(began)
			if after, err = readUsage(p.pid()); err != nil {
				return err
			}
		}
		const mb = 1 << 20
		fmt.Fprintf(&m.text, "| %s | %s | %s | %d MB | %d MB |\n", form.name, store, shortly(took), before.RSS/mb, after.Peak/mb)
	}
	return nil
}

// freshPeak makes the kernel forget how much memory a process has ever held.
func freshPeak(pid int) (usage, error) {
	if err := os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "clear_refs"), []byte("5"), 0o200); err != nil {
		return usage{}, err
	}
	return readUsage(pid)
}

// s3 starts an S3 server and sets a deployment to it.
func (m *mediaBench) s3(ctx context.Context, set map[string]string) (stop func() error, err error) {
	if _, err := os.Stat(s3Binary); err != nil {
		return nil, errors.New("no server; .ci/s3.sh builds it")
	}
	dir := filepath.Join(m.dir, "s3")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	p, err := startProcess(s3Binary, []string{
		"--port", m.at(110), "--access", "tiktok", "--secret", "tiktok-secret", "--region", "us-east-1", "--health", "/health", "--quiet", "posix", dir,
	}, environ(false, nil), filepath.Join(m.dir, "s3.log"))
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := poll(limit, func() error { _, err := get(limit, "http://"+m.at(110)+"/health"); return err }); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	for k, v := range map[string]string{
		"endpoint": "http://" + m.at(110), "bucket": "bench-media", "access_key": "tiktok", "secret_key": "tiktok-secret", "lookup": "path",
	} {
		set["blob.s3."+k] = v
	}
	set["blob.driver"] = "s3"
	return p.stop, nil
}

// views compares parts of a file from the gateway with the same from nginx: the same file of the same disk, by turns.
func (m *mediaBench) views(ctx context.Context, first string) (err error) {
	u, p, err := m.start(ctx, "views", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := u.upload(ctx, "large", first); err != nil {
		return err
	}
	videos, err := u.works(ctx)
	if err != nil || len(videos) != 1 {
		return fmt.Errorf("%d videos: %w", len(videos), err)
	}
	_, key, _ := strings.Cut(videos[0].PlayURL, "/media/")
	stop, missing := m.nginx(ctx, filepath.Join(m.dir, "views", "media"), key)
	if missing != nil {
		fmt.Fprintf(&m.text, "No comparison with nginx: %v.\n\n", missing)
		return nil
	}
	defer func() { err = errors.Join(err, stop()) }()
	fmt.Fprintf(&m.text, "Time to the first byte of a part of %d KiB of that file, local store, %d connections, median of %d turns of %s:\n\n", partBytes>>10, viewers, turns, viewing)
	m.text.WriteString("| load | | parts/s | p50 ms | p99 ms |\n|---|---|---|---|---|\n")
	for _, load := range []struct {
		name string
		rate float64
	}{{fmt.Sprintf("%d/s", slowRate), slowRate}, {"as fast as they come", 0}} {
		targets := [2]struct{ name, addr, path string }{{"nginx", m.at(120), "/" + key}, {"gateway", m.at(0), "/media/" + key}}
		var all [2][]viewed
		for range turns {
			for i, target := range targets {
				v, err := view(ctx, target.addr, target.path, load.rate)
				if err != nil {
					return fmt.Errorf("%s: %w", target.name, err)
				}
				all[i] = append(all[i], v)
			}
		}
		by := [2]viewed{median(all[0]), median(all[1])}
		for i, target := range targets {
			fmt.Fprintf(&m.text, "| %s | %s | %.0f | %.2f | %.2f |\n", load.name, target.name, by[i].perSecond, by[i].p50, by[i].p99)
		}
		fmt.Fprintf(&m.text, "| %s | gateway / nginx | %.2f | %.2f | %.2f |\n", load.name, by[1].perSecond/by[0].perSecond, by[1].p50/by[0].p50, by[1].p99/by[0].p99)
	}
	m.text.WriteString("\n")
	return nil
}

// nginx starts Debian's nginx on a folder, with settings of its own.
func (m *mediaBench) nginx(ctx context.Context, root, key string) (stop func() error, err error) {
	if _, err := os.Stat(nginxBinary); err != nil {
		return nil, errors.New("nginx is not installed")
	}
	dir := filepath.Join(m.dir, "nginx")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	user := ""
	if os.Geteuid() == 0 { // or its workers may not read the folder
		user = "user root;"
	}
	conf := fmt.Sprintf(`%s daemon off; worker_processes auto; pid %[2]s/pid; error_log %[2]s/error.log;
events { worker_connections 512; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types { video/mp4 mp4; }
  client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
  uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
  server { listen %[3]s; root %[4]s; }
}
`, user, dir, m.at(120), root)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	p, err := startProcess(nginxBinary, []string{"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf")},
		environ(false, nil), filepath.Join(m.dir, "nginx.log"))
	if err != nil {
		return nil, err
	}
	limit, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = poll(limit, func() error {
		if err := p.ended(); err != nil {
			return permanent{err}
		}
		req, err := http.NewRequestWithContext(limit, http.MethodHead, "http://"+m.at(120)+"/"+key, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close() // of a HEAD
		if res.StatusCode != http.StatusOK || res.ContentLength < uploadBytes/2 {
			return fmt.Errorf("nginx: HTTP status %d, %d bytes", res.StatusCode, res.ContentLength)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p.stop, nil
}

// viewed is how quickly parts came.
type viewed struct{ perSecond, p50, p99 float64 }

// median is that of each of the figures.
func median(all []viewed) viewed {
	middle := func(of func(viewed) float64) float64 {
		var values []float64
		for _, v := range all {
			values = append(values, of(v))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return viewed{
		middle(func(v viewed) float64 { return v.perSecond }), middle(func(v viewed) float64 { return v.p50 }), middle(func(v viewed) float64 { return v.p99 }),
	}
}

// view asks for parts at random places on all connections, rate in a second, or 0 for as many as come.
func view(ctx context.Context, addr, path string, rate float64) (viewed, error) {
	limit, cancel := context.WithTimeout(ctx, viewing)
	defer cancel()
	hist := hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var parts atomic.Int64
	errs := make([]error, viewers)
	began := time.Now()
	for i := range viewers {
		wg.Go(func() {
			v := &viewer{addr: addr, path: path, rand: rand.New(rand.NewPCG(uint64(i), 7))}
			errs[i] = v.run(limit, began, i, rate, func(first time.Duration) {
				parts.Add(1)
				mu.Lock()
				defer mu.Unlock()
				_ = hist.RecordValue(max(first.Microseconds(), 1)) // within the range of the histogram
			})
		})
	}
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return viewed{}, err
	}
	ms := func(q float64) float64 { return float64(hist.ValueAtQuantile(q)) / 1000 }
	return viewed{float64(parts.Load()) / time.Since(began).Seconds(), ms(50), ms(99)}, nil
}

// viewer is one connection. It speaks HTTP itself, to see the first byte.
type viewer struct {
	addr, path string
	rand       *rand.Rand
}

func (v *viewer) run(ctx context.Context, began time.Time, i int, rate float64, report func(first time.Duration)) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", v.addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // everything has been read
	timer := time.NewTimer(0)
	defer timer.Stop()
	buf := make([]byte, 64<<10)
	for n := 0; ; n++ {
		due := time.Now()
		if rate > 0 {
			due = began.Add(time.Duration((float64(n*viewers+i) + 0.5) / rate * float64(time.Second)))
		}
		if ctx.Err() != nil || !wait(ctx, timer, due) {
			return nil
		}
		from := v.rand.Int64N(uploadBytes - 2*partBytes)
		asked := time.Now()
		_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nRange: bytes=%d-%d\r\n\r\n", v.path, v.addr, from, from+partBytes-1)
		if err != nil {
			return err
		}
		got, err := conn.Read(buf)
		if err != nil {
			return err
		}
		first := time.Since(asked)
		for !bytes.Contains(buf[:got], []byte("\r\n\r\n")) {
			more, err := conn.Read(buf[got:])
			if err != nil {
				return err
			}
			got += more
		}
		head, body, _ := bytes.Cut(buf[:got], []byte("\r\n\r\n"))
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 206 ")) {
			return fmt.Errorf("answered %.60q", head)
		}
		if _, err := io.CopyBuffer(writerOnly{io.Discard}, io.LimitReader(conn, partBytes-int64(len(body))), buf); err != nil {
			return err
		}
		report(first)
	}
}

// writerOnly keeps io.Copy to the buffer that it is given.
type writerOnly struct{ io.Writer }

// work measures how fast the worker makes previews and ladders, and what a cover takes.
func (m *mediaBench) work(ctx context.Context) (err error) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		m.text.WriteString("No figures of the worker: ffmpeg is not installed.\n")
		return nil
	}
	clip := filepath.Join(m.dir, "clip.mp4")
	length := strconv.Itoa(clipSeconds)
	making, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error",
		"-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration="+length, "-f", "lavfi", "-i", "sine=frequency=440:duration="+length,
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", clip).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, making)
	}
	cover, err := m.cover(ctx, clip)
	if err != nil {
		return err
	}
	u, p, err := m.start(ctx, "work", map[string]string{"media.ffmpeg": "", "media.background": "true"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	began := time.Now()
	for i := range clips {
		if err := u.upload(ctx, fmt.Sprint("clip ", i), clip); err != nil {
			return err
		}
	}
	limit, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	err = poll(limit, func() error {
		works, err := u.works(limit)
		if err != nil {
			return err
		}
		for _, w := range works {
			if w.State == "failed" {
				return permanent{fmt.Errorf("%s has failed", w.Title)}
			}
			if w.State != "ready" {
				return fmt.Errorf("%s is %s", w.Title, w.State)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	took := time.Since(began).Minutes()
	all, err := scrape(ctx, m.at(100))
	if err != nil {
		return err
	}
	done := all.sum("tiktok_media_jobs_total", `result="done"`) - all.sum("tiktok_media_jobs_total", `kind="sweep"`)
	mean := func(job string) float64 {
		label := fmt.Sprintf("kind=%q", job)
		return all.sum("tiktok_media_jobs_seconds_sum", label) / max(all.sum("tiktok_media_jobs_seconds_count", label), 1)
	}
	fmt.Fprintf(&m.text, "The worker of one process, clips of %d s, 1280 x 720, 30 pictures a second, with sound (ladder of 360p, 540p, 720p): "+
		"%.1f clips a minute, which are %.1f jobs. A preview takes %.2f s, a ladder %.1f s; the cover, taken at the upload, %.2f s.\n",
		clipSeconds, clips/took, done/took, mean("preview"), mean("hls"), cover.Seconds())
	return nil
}

// cover is how long a frame takes, best of 5.
func (m *mediaBench) cover(ctx context.Context, clip string) (best time.Duration, err error) {
	tools := media.New(media.Config{})
	info, err := tools.Probe(ctx, clip)
	if err != nil {
		return 0, err
	}
	for range 5 {
		began := time.Now()
		if _, err := tools.Cover(ctx, clip, info); err != nil {
			return 0, err
		}
		if took := time.Since(began); best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// shortly is a time with two digits behind the point.
func shortly(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
