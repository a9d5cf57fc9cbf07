package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/cmd/internal/events/eventstest"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/pack"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/media"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

const patience = time.Minute

// lab is a database and a blob store that replicas of the service share.
type lab struct {
	t      *testing.T
	sql    sqldb.Config
	db     *sqldb.DB
	store  *db.Store
	dir    string // of the blobs
	blobs  blob.Store
	tools  *tools
	cache  kv.Store
	ids    *id.Generator
	wakes  queue.Queue[service.Wake]
	offset atomic.Int64 // of the clock
}

// eachLab runs fn on SQLite, and on MySQL when there is a server.
func eachLab(t *testing.T, fn func(t *testing.T, l *lab)) {
	t.Helper()
	t.Run(sqldb.SQLite, func(t *testing.T) { fn(t, newLab(t, sqldb.Config{Driver: sqldb.SQLite, Dir: t.TempDir()})) })
	t.Run(sqldb.MySQL, func(t *testing.T) {
		cfg := sqldbtest.MySQLConfig(t)
		l := newLab(t, cfg)
		t.Cleanup(func() {
			if err := l.connect().Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + "video`").Error; err != nil {
				t.Error(err)
			}
		})
		fn(t, l)
	})
}

func sqliteLab(t *testing.T) *lab {
	t.Helper()
	return newLab(t, sqldb.Config{Driver: sqldb.SQLite, Dir: t.TempDir()})
}

func newLab(t *testing.T, cfg sqldb.Config) *lab {
	t.Helper()
	l := &lab{t: t, sql: cfg, dir: t.TempDir(), tools: newTools(), ids: id.New(0)}
	l.db = l.connect()
	l.store = db.New(l.db)
	var err error
	if err = l.db.Migrate(t.Context(), db.Migrations()); err != nil {
		t.Fatal(err)
	}
	if l.blobs, err = blob.Open(t.Context(), blob.Config{Driver: "local", Dir: l.dir}); err != nil {
		t.Fatal(err)
	}
	l.cache = kvtest.Shared(t)
	if l.wakes, err = queue.Open[service.Wake](t.Context(), queue.Config{}, service.WakeQueue, nil); err != nil {
		t.Fatal(err)
	}
	wakes := l.wakes // a test may set others
	t.Cleanup(func() { _ = errors.Join(wakes.Close(), l.cache.Close()) })
	return l
}

// connect opens connections of their own to the database.
func (l *lab) connect() *sqldb.DB {
	l.t.Helper()
	d, err := sqldb.Open(context.Background(), l.sql, "video") // also while the test is cleaned up
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = d.Close() })
	return d
}

func (l *lab) now() time.Time { return time.Now().Add(time.Duration(l.offset.Load())) }

func (l *lab) advance(d time.Duration) { l.offset.Add(int64(d)) }

// replica is one process of the service.
type replica struct {
	videoservice.Client
	l     *lab
	tel   *telemetry.Telemetry
	sql   *sqldb.DB
	blobs *mortal
	stop  func()
}

// replica makes a process that does not run yet; run starts it.
func (l *lab) replica(set ...func(*service.MediaDeps)) (*replica, func()) {
	l.t.Helper()
	r := &replica{l: l, tel: telemetry.Discard(), sql: l.connect(), blobs: &mortal{Store: l.blobs}, stop: func() {}}
	deps := service.MediaDeps{
		Blobs: r.blobs, Tools: l.tools, Wakes: l.wakes, Background: true, Workers: 2,
		Dir: filepath.Join(l.dir, "..", "work"), Poll: 10 * time.Millisecond, SweepEvery: time.Hour,
	}
	for _, s := range set {
		s(&deps)
	}
	svc := service.New(service.Deps{Store: db.New(r.sql), Cache: l.cache, IDs: l.ids, Tel: r.tel, Media: deps, Now: l.now})
	local, err := transport.Local("test", videoservice.NewServer(svc, transport.ServerOptions("video", r.tel)...))
	if err != nil {
		l.t.Fatal(err)
	}
	if r.Client, err = videoservice.NewClient("video", transport.Strict(), local); err != nil {
		l.t.Fatal(err)
	}
	return r, func() {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- svc.Run(ctx) }()
		r.stop = sync.OnceFunc(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					l.t.Errorf("run: %v", err)
				}
			case <-time.After(patience):
				l.t.Error("the service does not stop")
			}
		})
		l.t.Cleanup(r.stop)
	}
}

func (l *lab) start(set ...func(*service.MediaDeps)) *replica {
	l.t.Helper()
	r, run := l.replica(set...)
	run()
	return r
}

// kill ends the process as kill -9 does: nothing that it does from now on reaches the database or the blobs.
func (r *replica) kill() {
	r.l.t.Helper()
	r.blobs.dead.Store(true)
	if err := r.sql.Close(); err != nil {
		r.l.t.Error(err)
	}
	r.stop()
}

// sweeps makes the process sweep all the time and returns once it has done so twice from now on.
func (r *replica) swept() {
	r.l.t.Helper()
	count := func() float64 {
		n, err := testutil.GatherAndCount(r.tel.Registry, "tiktok_media_jobs_total")
		if err != nil || n == 0 {
			return 0
		}
		return counter(r.l.t, r.tel, "sweep", "done")
	}
	want := count() + 2
	eventually(r.l.t, "two sweeps", func() bool { return count() >= want })
}

func sweeping(d *service.MediaDeps) { d.SweepEvery = time.Millisecond }

// counter reads tiktok_media_jobs_total.
func counter(t *testing.T, tel *telemetry.Telemetry, kind, result string) float64 {
	t.Helper()
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tiktok_media_jobs_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, p := range m.GetLabel() {
				labels[p.GetName()] = p.GetValue()
			}
			if labels["kind"] == kind && labels["result"] == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// upload stores what the gateway stores and publishes it.
func (r *replica) upload(author int64, title string, set ...func(*video.PublishRequest)) *video.PublishResponse {
	r.l.t.Helper()
	req := request(author, title)
	req.PlayKey, req.CoverKey = "videos/ab/"+title+".mp4", "covers/ab/"+title+".jpg"
	for _, s := range set {
		s(req)
	}
	r.l.put(req.PlayKey)
	r.l.put(req.CoverKey)
	resp, err := r.Publish(r.l.t.Context(), req)
	if err != nil {
		r.l.t.Fatal(err)
	}
	return resp
}

// unplayable is an upload that must be transcoded.
func unplayable(r *video.PublishRequest) {
	r.Transcode, r.CoverDrawn = true, true
	r.PlayKey = "sources/ab/" + r.Title
}

func drawn(r *video.PublishRequest) { r.CoverDrawn = true }

func (l *lab) put(key string) {
	l.t.Helper()
	if _, err := l.blobs.Put(l.t.Context(), key, strings.NewReader(key), ""); err != nil {
		l.t.Fatal(err)
	}
}

// objects lists all keys in the store.
func (l *lab) objects() []string {
	l.t.Helper()
	var keys []string
	err := fs.WalkDir(os.DirFS(l.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(name, ".") {
			keys = append(keys, name)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return keys
}

// age makes all objects look two hours old.
func (l *lab) age() {
	l.t.Helper()
	old := time.Now().Add(-2 * time.Hour)
	for _, k := range l.objects() {
		if err := os.Chtimes(filepath.Join(l.dir, k), old, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.t.Fatal(err)
		}
	}
}

// uploads is what the author is shown.
func (r *replica) uploads(author int64) []*video.Upload {
	r.l.t.Helper()
	resp, err := r.ListUploads(r.l.t.Context(), &video.ListUploadsRequest{AuthorId: author})
	if err != nil {
		r.l.t.Fatal(err)
	}
	return resp.Uploads
}

// listed finds a video wherever it may be listed: all four places must agree.
func (r *replica) listed(author, videoID int64) *video.Video {
	r.l.t.Helper()
	ctx := r.l.t.Context()
	feed, err1 := r.Feed(ctx, &video.FeedRequest{Limit: 200})
	list, err2 := r.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author})
	byID, err3 := r.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: []int64{videoID}})
	counts, err4 := r.MCountByAuthor(ctx, &video.MCountByAuthorRequest{AuthorIds: []int64{author}})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		r.l.t.Fatal(err)
	}
	find := func(vs []*video.Video) *video.Video {
		for _, v := range vs {
			if v.Id == videoID {
				return v
			}
		}
		return nil
	}
	v := byID.Videos[videoID]
	if f, a := find(feed.Videos), find(list.Videos); (f == nil) != (v == nil) || (a == nil) != (v == nil) {
		r.l.t.Errorf("video %d: feed %v, list %v, by id %v", videoID, f, a, v)
	}
	if n := int64(len(list.Videos)); counts.WorkCounts[author] != n {
		r.l.t.Errorf("author %d has %d videos and a count of %d", author, n, counts.WorkCounts[author])
	}
	return v
}

// done waits until there is no work left, and the caches have heard of what was done.
func (r *replica) done(author int64) {
	r.l.t.Helper()
	eventually(r.l.t, "the work to be done", func() bool { return len(r.uploads(author)) == 0 && r.fresh(author) })
}

// fresh reports whether the author's videos are shown as they are stored, in the author's list and by their ids.
func (r *replica) fresh(author int64) bool {
	r.l.t.Helper()
	ctx := r.l.t.Context()
	rows, err := r.l.store.ListByAuthor(ctx, author, 0, common.MAX_BATCH)
	if err != nil {
		r.l.t.Fatal(err)
	}
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	list, err1 := r.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author})
	held, err2 := r.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: ids})
	if err := errors.Join(err1, err2); err != nil {
		r.l.t.Fatal(err)
	}
	return slices.EqualFunc(rows, list.Videos, func(row db.Video, v *video.Video) bool {
		stored := pack.Video(row)
		return reflect.DeepEqual(v, stored) && reflect.DeepEqual(held.Videos[row.ID], stored)
	})
}

// checkTidy fails unless the store holds exactly what the videos name.
func (l *lab) checkTidy(videos ...*video.Video) {
	l.t.Helper()
	var want []string
	for _, v := range videos {
		for _, k := range []string{v.PlayKey, v.CoverKey, v.PreviewKey} {
			if k != "" {
				want = append(want, k)
			}
		}
		if v.HlsKey != "" {
			for _, name := range ladder() {
				want = append(want, path.Dir(v.HlsKey)+"/"+name)
			}
		}
	}
	slices.Sort(want)
	got := l.objects()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		l.t.Errorf("the store holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (l *lab) checkAudit() {
	l.t.Helper()
	if n, err := l.store.Audit(l.t.Context(), l.t.Logf); err != nil || n != 0 {
		l.t.Errorf("audit: %d wrong, %v", n, err)
	}
}

// auditing audits until the test ends.
func (l *lab) auditing() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if n, err := l.store.Audit(ctx, l.t.Logf); ctx.Err() == nil && (err != nil || n != 0) {
				l.t.Errorf("audit: %d wrong, %v", n, err)
				return
			}
		}
	})
	l.t.Cleanup(func() { cancel(); wg.Wait() })
}

// told reports whether others are told that the video is deleted.
func (l *lab) told(videoID int64) bool {
	l.t.Helper()
	return slices.ContainsFunc(eventstest.Of(l.t, l.db, event.TOPIC_VIDEO), func(e *event.Event) bool {
		return e.VideoDeleted != nil && e.VideoDeleted.VideoId == videoID
	})
}

// row reads the row of work, nil when there is none.
func (l *lab) row(videoID int64) *db.Media {
	l.t.Helper()
	var rows []db.Media
	if err := l.db.Read.Where("video_id = ?", videoID).Find(&rows).Error; err != nil {
		l.t.Fatal(err)
	}
	if len(rows) == 0 {
		return nil
	}
	return &rows[0]
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited too long for %s", what)
	}
}

var errDead = errors.New("the process is dead")

// mortal is a blob store that can be cut off from one process, and that can hold a Put up. It has no local files.
type mortal struct {
	blob.Store
	dead atomic.Bool
	// before is called before each Put; its error is that of Put.
	before atomic.Pointer[func(ctx context.Context, key string) error]
}

func (m *mortal) alive() error {
	if m.dead.Load() {
		return errDead
	}
	return nil
}

func (m *mortal) Put(ctx context.Context, key string, r io.Reader, kind string) (int64, error) {
	if f := m.before.Load(); f != nil {
		if err := (*f)(ctx, key); err != nil {
			return 0, err
		}
	}
	if err := m.alive(); err != nil {
		return 0, err
	}
	return m.Store.Put(ctx, key, r, kind)
}

func (m *mortal) Open(ctx context.Context, key string) (*blob.Object, error) {
	if err := m.alive(); err != nil {
		return nil, err
	}
	return m.Store.Open(ctx, key)
}

func (m *mortal) Delete(ctx context.Context, keys ...string) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Store.Delete(ctx, keys...)
}

func (m *mortal) List(ctx context.Context, prefix string, age time.Duration, page func([]string) error) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.Store.List(ctx, prefix, age, page)
}

// hold makes the first Put of a key that contains part wait, until its context ends or release is called.
func (m *mortal) hold(part string) (entered <-chan struct{}, release func()) {
	wait, entered, release := firstCall()
	f := func(ctx context.Context, key string) error {
		if !strings.Contains(key, part) {
			return nil
		}
		return wait(ctx)
	}
	m.before.Store(&f)
	return entered, release
}

// firstCall is a function whose first call waits until its context ends or release is called.
func firstCall() (wait func(context.Context) error, entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}), make(chan struct{})
	var called atomic.Bool
	wait = func(ctx context.Context) error {
		if called.Swap(true) {
			return nil
		}
		close(in)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-out:
			return nil
		}
	}
	return wait, in, sync.OnceFunc(func() { close(out) })
}

// tools writes small files, and blocks and fails as a test says.
type tools struct {
	mu    sync.Mutex
	steps int
	// now holds the uploads that are being worked on, by what their file says.
	now     map[string]bool
	overlap []string
	calls   map[string]int
	before  func(ctx context.Context, step, source string) error
}

func newTools() *tools {
	return &tools{
		steps: db.StepTranscode | db.StepCover | db.StepPreview | db.StepHLS, now: map[string]bool{}, calls: map[string]int{},
		before: func(context.Context, string, string) error { return nil },
	}
}

func ladder() []string { return []string{"720p/0.m4s", "720p/1.m4s", "720p/index.m3u8", "master.m3u8"} }

// on sets what happens before each step.
func (f *tools) on(before func(ctx context.Context, step, source string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

// hold makes the first call of a step wait until its context ends or release is called.
func (f *tools) hold(step string) (entered <-chan struct{}, release func()) {
	wait, entered, release := firstCall()
	f.on(func(ctx context.Context, s, _ string) error {
		if s != step {
			return nil
		}
		return wait(ctx)
	})
	return entered, release
}

// holdStep holds up a step in the tool, or the Put of a key that contains what has a "-" or a "/".
func (r *replica) holdStep(step string) (entered <-chan struct{}) {
	if strings.ContainsAny(step, "-/") {
		r.l.tools.hold("none")
		entered, _ = r.blobs.hold(step)
		return entered
	}
	entered, _ = r.l.tools.hold(step)
	return entered
}

func (f *tools) do(ctx context.Context, step, src string, files ...string) error {
	content, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	source := string(content)
	f.mu.Lock()
	if f.now[source] {
		f.overlap = append(f.overlap, step+" of "+source)
	}
	f.now[source] = true
	f.calls[step+" "+source]++
	before := f.before
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.now, source)
		f.mu.Unlock()
	}()
	if err := before(ctx, step, source); err != nil {
		return err
	}
	for _, name := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(name, bytes.Repeat([]byte(step), 10), 0o600); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *tools) Steps() int { return f.steps }

func (f *tools) Describe() string { return "double" }

func (f *tools) Transcode(ctx context.Context, src, dst string, progress func(float64)) (media.Info, error) {
	progress(0.5)
	return media.Info{DurationMs: 4000, WidthPx: 720, HeightPx: 1280}, f.do(ctx, "transcode", src, dst)
}

func (f *tools) Cover(ctx context.Context, src, dst string) error {
	return f.do(ctx, "cover", src, dst)
}

func (f *tools) Preview(ctx context.Context, src, dst string) error {
	return f.do(ctx, "preview", src, dst)
}

func (f *tools) HLS(ctx context.Context, src, dir string, progress func(float64)) error {
	progress(0.5)
	var files []string
	for _, name := range ladder() {
		files = append(files, filepath.Join(dir, name))
	}
	return f.do(ctx, "hls", src, files...)
}

func (f *tools) check(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.overlap) > 0 {
		t.Errorf("two at once: %v", f.overlap)
	}
}

func title(prefix string, i int) string { return fmt.Sprintf("%s%d", prefix, i) }
