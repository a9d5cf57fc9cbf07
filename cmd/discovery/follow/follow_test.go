package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// world is a catalogue, an index, and the follower between them.
type world struct {
	*testing.T
	store    *db.Store
	engine   *bleveindex.Engine
	follower *Follower
	dir      string
	seq      int64
}

func each(t *testing.T, fn func(w *world)) {
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, d *sqldb.DB) {
		w := &world{T: t, store: db.New(d), dir: t.TempDir()}
		w.open()
		t.Cleanup(func() { w.must(w.engine.Close()) })
		fn(w)
	})
}

func (w *world) open() {
	w.Helper()
	log := slog.New(slog.DiscardHandler)
	e, err := bleveindex.Open(bleveindex.Config{Dir: w.dir}, log)
	w.must(err)
	w.engine = e
	w.follower = New(Deps{Store: w.store, Engine: e, Replica: "one", Log: log, Reg: prometheus.NewRegistry(), Now: time.Now})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// next takes the next number of the clock and calls fn with it, in one transaction.
func (w *world) next(fn func(tx *gorm.DB, seq int64) error) {
	w.Helper()
	w.seq++
	w.must(w.store.Tx(w.Context(), func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE catalogue_clock SET seq = ? WHERE id = 1", w.seq).Error; err != nil {
			return err
		}
		return fn(tx, w.seq)
	}))
}

func (w *world) add(rows any) {
	w.Helper()
	w.next(func(tx *gorm.DB, seq int64) error {
		switch rows := rows.(type) {
		case []db.Video:
			for i := range rows {
				rows[i].ChangedSeq = seq
			}
		case []db.User:
			for i := range rows {
				rows[i].ChangedSeq = seq
			}
		case []db.Tag:
			for i := range rows {
				rows[i].ChangedSeq = seq
			}
		}
		return tx.CreateInBatches(rows, 500).Error
	})
}

func (w *world) set(table string, set string, where string) {
	w.Helper()
	w.next(func(tx *gorm.DB, seq int64) error {
		return tx.Exec(fmt.Sprintf("UPDATE %s SET %s, changed_seq = ? WHERE %s", table, set, where), seq).Error
	})
}

func (w *world) step() {
	w.Helper()
	w.must(w.follower.step(w.Context()))
}

func (w *world) finds(kind index.Kind, text, want string) {
	w.Helper()
	hits, err := w.engine.Search(w.Context(), index.Query{Kind: kind, Text: text, Limit: 100})
	w.must(err)
	var got []string
	for _, h := range hits {
		got = append(got, strings.TrimPrefix(fmt.Sprint(h.ID), "0")+h.Tag)
	}
	if strings.Join(got, " ") != want {
		w.Errorf("%q finds %q, want %q", text, got, want)
	}
}

func (w *world) fill() {
	w.Helper()
	w.add([]db.User{{ID: 1, Name: "ann", ShownName: "安妮", Followers: 3}, {ID: 2, Name: "bob"}})
	w.add([]db.Video{
		{ID: 10, AuthorID: 1, Title: "小猫 #cat", Tags: "cat", PublishedMs: 1000},
		{ID: 11, AuthorID: 2, Title: "a dog", PublishedMs: 2000},
		{ID: 12, AuthorID: 2, Title: "a dead dog", PublishedMs: 2000, GoneMs: 1},
	})
	w.add([]db.Tag{{Tag: "cat", Videos: 1}, {Tag: "none", Videos: 0}})
}

func TestFollows(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		w.step() // there is none: it is built
		w.finds(index.Videos, "cat", "10")
		w.finds(index.Videos, "dog", "11")
		w.finds(index.Videos, "安妮", "10")
		w.finds(index.Users, "ann", "1")
		w.finds(index.Tags, "cat", "cat")
		w.finds(index.Tags, "none", "")

		w.add([]db.Video{{ID: 13, AuthorID: 1, Title: "another dog", PublishedMs: 300_000_000}})
		w.set("videos", "gone_ms = 5", "id = 10")
		w.set("users", "shown_name = 'Robert'", "id = 2")
		w.set("tags", "videos = 0", "tag = 'cat'")
		w.step()
		w.finds(index.Videos, "cat", "")
		w.finds(index.Videos, "dog", "13 11")
		w.finds(index.Users, "robert", "2")
		w.finds(index.Tags, "cat", "")
		if p, err := w.engine.Position(w.Context()); err != nil || p != w.seq {
			t.Errorf("position %d, %v, want %d", p, err, w.seq)
		}
	})
}

// Many rows with one number, more than a batch, are all applied.
func TestFollowsManyOfOneNumber(t *testing.T) {
	each(t, func(w *world) {
		w.step()
		var videos []db.Video
		for i := range int64(2*index.MaxBatch + 500) {
			videos = append(videos, db.Video{ID: 100 + i, AuthorID: 1, Title: "cat", PublishedMs: i})
		}
		w.add([]db.Video{{ID: 5, AuthorID: 1, Title: "first"}})
		w.add(videos)
		w.add([]db.Video{{ID: 6, AuthorID: 1, Title: "last"}})
		w.step()
		w.finds(index.Videos, "last", "6")
		sums, err := w.engine.Sums(w.Context(), []index.Range{{Kind: index.Videos, To: 1 << 60}})
		w.must(err)
		if sums[0].Docs != int64(len(videos)+2) {
			t.Errorf("%d documents", sums[0].Docs)
		}
	})
}

func TestNotLeading(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		leads := false
		w.follower.Lead = func(context.Context) (bool, error) { return leads, nil }
		w.step()
		if _, err := w.engine.Position(w.Context()); !errors.Is(err, index.ErrNoIndex) {
			t.Errorf("built without leading: %v", err)
		}
		leads = true
		w.step()
		w.finds(index.Videos, "cat", "10")
		leads = false
		w.add([]db.Video{{ID: 20, AuthorID: 1, Title: "cat"}})
		w.step()
		w.finds(index.Videos, "cat", "10")
	})
}

// A build that a process did not survive leaves nothing behind, and the next process builds anew.
func TestKilledBuild(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		died := errors.New("died")
		_, err := Rebuild(w.Context(), w.store, &immortal{w.engine}, func(int64, int64) error { return died })
		if !errors.Is(err, died) {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(w.dir, "index-*"))
		w.must(err)
		if len(left) != 1 {
			t.Fatalf("the build left %v", left)
		}
		w.must(w.engine.Close())
		w.open()
		w.step()
		w.finds(index.Videos, "cat", "10")
		if left, err = filepath.Glob(filepath.Join(w.dir, "index-*")); err != nil || len(left) != 1 {
			t.Errorf("%v, %v", left, err)
		}
	})
}

// immortal does not clean up after a build, as a process that is killed.
type immortal struct{ index.Engine }

func (i *immortal) Build(ctx context.Context) (index.Build, error) {
	b, err := i.Engine.Build(ctx)
	return &immortalBuild{b}, err
}

type immortalBuild struct{ index.Build }

func (*immortalBuild) Abort() error { return nil }

func TestLostWhileFollowing(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		w.step()
		w.must(os.RemoveAll(w.dir))
		w.step()
		w.finds(index.Videos, "cat", "10")
		// A catalogue from a backup has lower numbers.
		w.next(func(tx *gorm.DB, _ int64) error { return tx.Exec("UPDATE catalogue_clock SET seq = 1").Error })
		w.step()
		if p, err := w.engine.Position(w.Context()); err != nil || p != 1 {
			t.Errorf("position %d, %v", p, err)
		}
	})
}

// An index that was away until the catalogue has forgotten what is gone is built again by the process that begins to follow.
func TestOutdated(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		w.step()
		w.must(w.engine.Close())
		w.set("videos", "gone_ms = 1", "id = 11")
		for done := false; !done; {
			var err error
			_, done, err = w.store.PurgeGone(w.Context(), 1000)
			w.must(err)
		}
		w.open()
		w.finds(index.Videos, "dog", "11")
		w.step()
		w.finds(index.Videos, "dog", "")
		w.finds(index.Videos, "cat", "10")
		if wrong, err := Check(w.Context(), w.store, w.engine, Checking{Report: func(string, ...any) {}}); wrong != 0 || err != nil {
			t.Errorf("%d documents differ, %v", wrong, err)
		}
	})
}

func TestCheck(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		w.step()
		check := func() (int, string) {
			w.Helper()
			var told []string
			wrong, err := Check(w.Context(), w.store, w.engine, Checking{
				Report: func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) },
			})
			w.must(err)
			return wrong, strings.Join(told, "; ")
		}
		if wrong, told := check(); wrong != 0 {
			t.Fatal(told)
		}
		// What changed after the position is no difference.
		w.add([]db.Video{{ID: 20, AuthorID: 1, Title: "cat"}})
		w.set("videos", "title = 'other'", "id = 11")
		if wrong, told := check(); wrong != 0 {
			t.Fatal(told)
		}
		w.step()
		// What changed without a number is.
		w.must(w.store.Write.Exec("UPDATE videos SET title = 'secret' WHERE id = 10").Error)
		w.must(w.store.Write.Exec("UPDATE videos SET gone_ms = 1 WHERE id = 11").Error)
		w.must(w.store.Write.Exec("UPDATE videos SET gone_ms = 0 WHERE id = 12").Error)
		w.must(w.store.Write.Exec("DELETE FROM videos WHERE id = 20").Error)
		w.must(w.store.Write.Exec("DELETE FROM users WHERE id = 2").Error)
		wrong, told := check()
		want := "video 10 is in the index with other content; video 11 is gone, but in the index; video 12 is not in the index; " +
			"the index has 1 documents of videos with ids from 13 to 9223372036854775806, the catalogue has none; " +
			"the index has 1 documents of users with ids from 2 to 9223372036854775806, the catalogue has none"
		if wrong != 5 || told != want {
			t.Errorf("%d: %s\nwant %s", wrong, told, want)
		}
	})
}

// TestJobs: a running follower says that it is alive, follows, rebuilds and checks when asked, and leaves the old jobs alone.
func TestJobs(t *testing.T) {
	each(t, func(w *world) {
		w.fill()
		w.must(w.store.AddIndexJob(w.Context(), db.IndexJob{ID: 7, Kind: "of another time", CreatedAtMs: time.Now().UnixMilli()}))
		w.step()
		w.must(w.store.RemoveIndexReport(w.Context(), 0, "one")) // said while it was built
		w.follower.saidAlive = time.Time{}
		ctx, cancel := context.WithCancel(w.Context())
		ended := make(chan error)
		go func() { ended <- w.follower.Run(ctx) }()
		report := func(job int64, state string) db.IndexReport {
			w.Helper()
			timeout := time.After(20 * time.Second)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				reports, err := w.store.IndexReports(w.Context(), job, 0)
				w.must(err)
				for _, r := range reports {
					if r.Replica == "one" && r.State == state {
						return r
					}
				}
				select {
				case <-tick.C:
					w.follower.Wake()
				case <-timeout:
					w.Fatalf("job %d: %+v, want %s", job, reports, state)
				}
			}
		}
		report(0, db.StateAlive)
		before, err := w.engine.Info(w.Context())
		w.must(err)
		w.must(w.store.AddIndexJob(w.Context(), db.IndexJob{ID: 8, Kind: db.JobRebuild, CreatedAtMs: time.Now().UnixMilli()}))
		if r := report(8, db.StateDone); !strings.HasPrefix(r.Message, "5 documents") {
			t.Errorf("%+v", r)
		}
		after, err := w.engine.Info(w.Context())
		w.must(err)
		if before.Version == after.Version {
			t.Error("not rebuilt")
		}
		w.must(w.store.AddIndexJob(w.Context(), db.IndexJob{ID: 9, Kind: db.JobCheck, CreatedAtMs: time.Now().UnixMilli()}))
		report(9, db.StateDone)
		w.must(w.store.Write.Exec("DELETE FROM videos WHERE id = 11").Error)
		w.must(w.store.AddIndexJob(w.Context(), db.IndexJob{ID: 10, Kind: db.JobCheck, CreatedAtMs: time.Now().UnixMilli()}))
		if r := report(10, db.StateFailed); !strings.HasPrefix(r.Message, "1 documents differ") {
			t.Errorf("%+v", r)
		}
		w.must(w.store.AddIndexJob(w.Context(), db.IndexJob{ID: 11, Kind: "dance", CreatedAtMs: time.Now().UnixMilli()}))
		report(11, db.StateFailed)
		asked, err := Ask(w.Context(), w.store, db.JobRebuild, nil)
		if err != nil || len(asked) != 1 || asked[0].State != db.StateDone || !strings.HasPrefix(asked[0].Message, "4 documents") {
			t.Errorf("%+v, %v", asked, err)
		}
		cancel()
		w.must(<-ended)
		for _, job := range []int64{0, 7} {
			if reports, err := w.store.IndexReports(w.Context(), job, 0); err != nil || len(reports) != 0 {
				t.Errorf("job %d: %+v, %v", job, reports, err)
			}
		}
		if asked, err := Ask(w.Context(), w.store, db.JobRebuild, nil); err != nil || asked != nil {
			t.Errorf("nobody is alive: %+v, %v", asked, err)
		}
	})
}

// A process that has died without a word is waited for only as long as it may be alive.
func TestAskTheDead(t *testing.T) {
	each(t, func(w *world) {
		r := db.IndexReport{Replica: "dead", State: db.StateAlive, UpdatedMs: time.Now().Add(-dead + time.Second).UnixMilli()}
		w.must(w.store.PutIndexReport(w.Context(), r))
		reports, err := Ask(w.Context(), w.store, db.JobCheck, nil)
		if err != nil || len(reports) != 0 {
			t.Errorf("%+v, %v", reports, err)
		}
	})
}
