package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	api "tiktok/cmd/api/biz/model/v1"
	discoverydb "tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/id"
	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// catalogued are the videos of the catalogue whose index breaks; millions in the long form.
	catalogued, cataloguedLong = 20_000, 1_000_000
	// sampled titles are searched for, all over the catalogue.
	sampled = 25
	// rebuilt bounds the wait for an index of the catalogue, rebuiltLong in the long form.
	rebuilt, rebuiltLong = time.Minute, 20 * time.Minute
	// noticedSoon bounds how long a process may take to see that its files are gone or damaged.
	noticedSoon = 30 * time.Second
)

// TestIndex breaks the index of a catalogue that takes a while to build. Search says in words that it is away until there is an index
// again, and then finds everything: never a part.
func TestIndex(t *testing.T) {
	guard(t)
	t.Chdir(harness.RepoRoot(t)) // the data set reads a clip from there
	n, within := catalogued, rebuilt
	if long() {
		n, within = cataloguedLong, rebuiltLong
	}
	d := harness.Distributed(t, harness.WithoutLimits())
	d.Stop(t)
	dataset.Load(t, d.Config, dataset.NewShape(0.02).WithVideos(n))
	began := time.Now()
	d.Start(t)
	b := &broken{d: d, titles: dataset.Titles(n), within: within, dir: d.Config.Discovery.IndexDir}
	b.complete(t, within)
	t.Logf("%d videos were read and indexed within %v", n, time.Since(began).Round(100*time.Millisecond))
	for _, s := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"it is deleted while discovery is down", func(t *testing.T) { b.down(t, b.remove) }},
		{"it is damaged while discovery is down", func(t *testing.T) { b.down(t, b.damage) }},
		{"it is deleted while discovery runs", func(t *testing.T) { b.running(t, b.remove) }},
		{"it is damaged while discovery runs", func(t *testing.T) { b.running(t, b.damage) }},
		{"a rebuild is killed half way", b.rebuildKilled},
	} {
		t.Run(s.name, s.run)
	}
	d.Audit(t)
}

// broken is an index that is broken and mended.
type broken struct {
	d      *harness.Deployment
	titles []string
	within time.Duration
	dir    string
}

// all searches for titles all over the catalogue. It fails the test when one is not found although search answers.
func (b *broken) all(ctx context.Context) error {
	step := len(b.titles) / sampled
	for i := rand.IntN(step); i < len(b.titles); i += step {
		a, err := b.d.Visitor().V1(ctx, http.MethodGet, "/search/videos", url.Values{"q": {b.titles[i]}}, nil)
		if err != nil {
			return err
		}
		if a.Status == http.StatusServiceUnavailable {
			return errSearchAway
		}
		var page api.VideoHitPage
		if err := a.Into(http.StatusOK, &page); err != nil {
			return err
		}
		if !slices.ContainsFunc(page.Items, func(hit *api.VideoHit) bool { return hit.Video.Title == b.titles[i] }) {
			return fmt.Errorf("%q finds %d videos, not itself", b.titles[i], len(page.Items))
		}
	}
	return nil
}

// complete waits until everything is found.
func (b *broken) complete(t *testing.T, within time.Duration) {
	t.Helper()
	harness.Eventually(t, within, func() error { return b.all(t.Context()) })
}

// remove deletes the folder.
func (b *broken) remove(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(b.dir); err != nil {
		t.Fatal(err)
	}
}

// damage overwrites what is in the files with noise; they keep their sizes.
func (b *broken) damage(t *testing.T) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(b.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		noise := make([]byte, info.Size())
		rand.NewChaCha8([32]byte{}).Read(noise) //nolint:errcheck // it has no end
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		files++
		_, err = f.Write(noise)
		return errors.Join(err, f.Close())
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files of %s are damaged, %v", files, b.dir, err)
	}
}

// down breaks the index between two starts. Until there is another one search says so; then it finds everything.
func (b *broken) down(t *testing.T, breaks func(t *testing.T)) {
	t.Helper()
	b.d.Kill(t, discovery)
	breaks(t)
	b.d.Revive(t, discovery)
	began, refused := time.Now(), 0
	for {
		err := b.all(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, errSearchAway) {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		refused++
		if time.Since(began) > b.within || !harness.Until(t.Context(), time.Now().Add(20*time.Millisecond)) {
			t.Fatalf("no index after %v", time.Since(began))
		}
	}
	t.Logf("found everything after %v, refused %d times before", time.Since(began).Round(10*time.Millisecond), refused)
	if refused == 0 {
		t.Error("search was never without its index")
	}
	(&report{acknowledged: sampled, stored: sampled, refused: refused}).print(t)
}

// running breaks the index below a process that has it open. What is published afterwards is found, and everything else too, then and
// after another start.
func (b *broken) running(t *testing.T, breaks func(t *testing.T)) {
	t.Helper()
	author := b.d.NewUser(t)
	pid := b.d.PID(t, discovery)
	breaks(t)
	began := time.Now()
	title := word(b.d)
	v := author.Publish(t, title)
	harness.Eventually(t, noticedSoon+b.within, func() error {
		if err := b.all(t.Context()); err != nil {
			return err
		}
		ids, err := finds(t.Context(), b.d, title)
		if err == nil && (len(ids) != 1 || ids[0] != v.ID) {
			err = fmt.Errorf("%q finds %v, want %d", title, ids, v.ID)
		}
		return err
	})
	t.Logf("found everything after %v", time.Since(began).Round(10*time.Millisecond))
	if now := b.d.PID(t, discovery); now != pid {
		t.Errorf("process %d became %d", pid, now)
	}
	b.d.Kill(t, discovery)
	b.d.Revive(t, discovery)
	b.complete(t, b.within)
	(&report{acknowledged: sampled, stored: sampled}).print(t)
}

// rebuildKilled kills the process while it builds another index beside the one that serves: that one goes on serving, and the next build
// begins anew.
func (b *broken) rebuildKilled(t *testing.T) {
	dataset.WithStores(t, b.d.Config.DB, func(db dataset.Stores) {
		store := discoverydb.New(db[discovery])
		job := discoverydb.IndexJob{ID: id.At(time.Now()), Kind: discoverydb.JobRebuild, CreatedAtMs: time.Now().UnixMilli()}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(store.AddIndexJob(t.Context(), job))
		harness.Eventually(t, b.within, func() error {
			part, _ := harness.Added(nil, b.d.CounterOf(t, discovery, "tiktok_discovery_index_build_progress"))
			if part < 0.3 {
				return fmt.Errorf("%.0f %% of the index are built", 100*part)
			}
			return nil
		})
		check(b.all(t.Context()))
		b.d.Kill(t, discovery)
		b.d.Revive(t, discovery)
		if err := b.all(t.Context()); err != nil {
			t.Errorf("the old index does not serve: %v", err)
		}
		reports, err := store.IndexReports(t.Context(), job.ID, 0)
		check(err)
		if len(reports) != 1 || reports[0].State == discoverydb.StateDone {
			t.Errorf("the build was not killed: %+v", reports)
		}
		job.ID = id.At(time.Now())
		check(store.AddIndexJob(t.Context(), job))
		var asked atomic.Int64
		harness.Eventually(t, b.within, func() error {
			asked.Add(1)
			if err := b.all(t.Context()); err != nil {
				t.Errorf("while it is built: %v", err)
			}
			reports, err := store.IndexReports(t.Context(), job.ID, 0)
			if err == nil && (len(reports) != 1 || reports[0].State != discoverydb.StateDone) {
				err = fmt.Errorf("reports %+v", reports)
			}
			return err
		})
		check(b.all(t.Context()))
		t.Logf("everything was found %d times during the second build", asked.Load())
		(&report{acknowledged: sampled, stored: sampled}).print(t)
	})
}
