package service_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

type fixture struct {
	videoservice.Client
	sql   *sqldb.DB
	store *db.Store
}

func on(t *testing.T, sql *sqldb.DB, now func() time.Time, change ...func(*service.Deps)) *fixture {
	t.Helper()
	cache := kvtest.Shared(t)
	tel := telemetry.Discard()
	f := &fixture{sql: sql, store: db.New(sql)}
	deps := service.Deps{Store: f.store, Cache: cache, IDs: id.New(0), Tel: tel, Now: now}
	for _, c := range change {
		c(&deps)
	}
	svc := service.New(deps)
	local, err := transport.Local("test", videoservice.NewServer(svc, transport.ServerOptions("video", tel)...))
	if err != nil {
		t.Fatal(err)
	}
	if f.Client, err = videoservice.NewClient("video", transport.Strict(), local); err != nil {
		t.Fatal(err)
	}
	return f
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return on(t, sqldbtest.SQLite(t, "video", db.Migrations()), nil)
}

func request(author int64, title string) *video.PublishRequest {
	return &video.PublishRequest{
		AuthorId:   author,
		Title:      title,
		PlayKey:    "videos/x.mp4",
		CoverKey:   "covers/x.jpg",
		DurationMs: 5000,
		SizeBytes:  1 << 20,
		WidthPx:    360,
		HeightPx:   640,
	}
}

func (f *fixture) publish(t *testing.T, author int64, title string) *video.Video {
	t.Helper()
	r, err := f.Publish(t.Context(), request(author, title))
	if err != nil {
		t.Fatal(err)
	}
	return r.Video
}

// Ten publishers share every millisecond of a frozen clock; a client pages through all of it.
func TestFeedHasNoGapAndNoOverlap(t *testing.T) {
	const videos, page = 75, 10
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		var mu sync.Mutex
		calls, start := 0, time.UnixMilli(1_700_000_000_000)
		f := on(t, sql, func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			calls++
			return start.Add(time.Duration(calls/10) * time.Millisecond)
		})
		var wg sync.WaitGroup
		for i := range videos {
			wg.Go(func() {
				if _, err := f.Publish(t.Context(), request(int64(1+i%7), fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		last := int64(1) << 60
		for before := int64(0); ; {
			r, err := f.Feed(t.Context(), &video.FeedRequest{BeforeMs: before, Limit: page})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Videos) == 0 {
				if r.NextBeforeMs != 0 {
					t.Errorf("an empty page goes on at %d", r.NextBeforeMs)
				}
				break
			}
			for _, v := range r.Videos {
				if seen[v.Title] || v.PublishedAtMs >= last {
					t.Errorf("%s came again or out of order", v.Title)
				}
				seen[v.Title], last = true, v.PublishedAtMs
			}
			before = r.NextBeforeMs
		}
		if len(seen) != videos {
			t.Errorf("the pages hold %d videos, want %d", len(seen), videos)
		}
		if n, err := f.store.Audit(t.Context(), t.Logf); err != nil || n != 0 {
			t.Errorf("audit: %d wrong, %v", n, err)
		}
	})
}

// The clock stands still and once steps back; what an author publishes later is newer all the same.
func TestListByAuthor(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		now := time.UnixMilli(1_700_000_000_000)
		f := on(t, sql, func() time.Time { return now })
		for i := range 5 {
			f.publish(t, 1, fmt.Sprint(i))
			f.publish(t, 2, "other")
			if i == 2 {
				now = now.Add(-time.Hour)
			}
		}
		var titles []string
		for cursor, pages := "", 0; ; pages++ {
			r, err := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 1, Page: &common.Page{Cursor: cursor, Limit: 2}})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range r.Videos {
				titles = append(titles, v.Title)
			}
			if cursor = r.NextCursor; cursor == "" {
				if pages != 2 {
					t.Errorf("%d pages", pages+1)
				}
				break
			}
		}
		if got := strings.Join(titles, ""); got != "43210" {
			t.Errorf("got %s, want newest first", got)
		}
		r, err := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 99})
		if err != nil || len(r.Videos) != 0 || r.NextCursor != "" {
			t.Errorf("nobody's list: %v, %v", r, err)
		}
	})
}

// What is published, and what is more than a list that is held, is there at once.
func TestListByAuthorIsFresh(t *testing.T) {
	f := newFixture(t)
	for n := 0; n <= cache.MaxPublished+1; n++ {
		if n > 0 {
			f.publish(t, 1, fmt.Sprint("video ", n))
		}
		r, err := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 1})
		if err != nil || len(r.Videos) != n || n > 0 && r.Videos[0].Title != fmt.Sprint("video ", n) {
			t.Fatalf("%d are listed after %d were published, %v", len(r.GetVideos()), n, err)
		}
	}
}

// Between a commit of the work in the background and the invalidation after it, a fresh list is new and others are old.
func TestFreshListIsPastTheCache(t *testing.T) {
	f := newFixture(t)
	f.publish(t, 1, "before")
	title := func(fresh bool) string {
		t.Helper()
		r, err := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 1, Fresh: fresh})
		if err != nil || len(r.Videos) != 1 {
			t.Fatal(r, err)
		}
		return r.Videos[0].Title
	}
	title(false)
	if err := f.sql.Write.Exec("UPDATE videos SET title = 'after'").Error; err != nil {
		t.Fatal(err)
	}
	if old, fresh := title(false), title(true); old != "before" || fresh != "after" {
		t.Errorf("held %q, fresh %q", old, fresh)
	}
}

func TestReadsAfterPublish(t *testing.T) {
	f := newFixture(t)
	if r, err := f.MCountByAuthor(t.Context(), &video.MCountByAuthorRequest{AuthorIds: []int64{1, 2, 2, -3}}); err != nil ||
		len(r.WorkCounts) != 2 ||
		r.WorkCounts[1] != 0 {
		t.Fatalf("%v, %v", r, err)
	}
	v := f.publish(t, 1, "  标题 with spaces ")
	if r, err := f.MCountByAuthor(t.Context(), &video.MCountByAuthorRequest{AuthorIds: []int64{1}}); err != nil || r.WorkCounts[1] != 1 {
		t.Fatalf("%v, %v", r, err)
	}
	r, err := f.MGetVideos(t.Context(), &video.MGetVideosRequest{VideoIds: []int64{v.Id, v.Id, v.Id + 1, 0}})
	if err != nil || len(r.Videos) != 1 || !reflect.DeepEqual(r.Videos[v.Id], v) {
		t.Fatalf("%v, %v, want %v", r, err, v)
	}
}

func TestRefusals(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*video.PublishRequest){
		"no author":     func(r *video.PublishRequest) { r.AuthorId = 0 },
		"no title":      func(r *video.PublishRequest) { r.Title = "" },
		"blank title":   func(r *video.PublishRequest) { r.Title = " \u3000" },
		"long title":    func(r *video.PublishRequest) { r.Title = strings.Repeat("题", 101) },
		"line break":    func(r *video.PublishRequest) { r.Title = "a\nb" },
		"not UTF-8":     func(r *video.PublishRequest) { r.Title = "\xff" },
		"no file":       func(r *video.PublishRequest) { r.PlayKey = "" },
		"no cover":      func(r *video.PublishRequest) { r.CoverKey = "" },
		"long key":      func(r *video.PublishRequest) { r.PlayKey = strings.Repeat("k", 256) },
		"negative size": func(r *video.PublishRequest) { r.SizeBytes = -1 },
	} {
		req := request(1, "t")
		change(req)
		if _, err := f.Publish(t.Context(), req); !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if r, err := f.Feed(t.Context(), &video.FeedRequest{}); err != nil || len(r.Videos) != 0 {
		t.Errorf("something was published: %v, %v", r, err)
	}
	_, feed := f.Feed(t.Context(), &video.FeedRequest{Limit: common.MAX_BATCH + 1})
	_, list := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: 1, Page: &common.Page{Cursor: "x"}})
	_, nobody := f.ListByAuthor(t.Context(), &video.ListByAuthorRequest{})
	_, many := f.MGetVideos(t.Context(), &video.MGetVideosRequest{VideoIds: make([]int64, common.MAX_BATCH+1)})
	_, count := f.MCountByAuthor(t.Context(), &video.MCountByAuthorRequest{AuthorIds: make([]int64, common.MAX_BATCH+1)})
	for name, err := range map[string]error{"feed": feed, "cursor": list, "no author": nobody, "videos": many, "counts": count} {
		if !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLongestTitle(t *testing.T) {
	sqldbtest.Each(t, "video", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, nil)
		long := strings.Repeat("😀", 100)
		f.publish(t, 1, long)
		if r, err := f.Feed(t.Context(), &video.FeedRequest{}); err != nil || len(r.Videos) != 1 || r.Videos[0].Title != long {
			t.Errorf("not stored as sent: %v", err)
		}
	})
}

func TestAuditFindsAWrongCounter(t *testing.T) {
	f := newFixture(t)
	f.publish(t, 1, "a")
	f.publish(t, 2, "b")
	if err := f.sql.Write.Exec("UPDATE author_stats SET work_count = 7 WHERE author_id = 1").Error; err != nil {
		t.Fatal(err)
	}
	if err := f.sql.Write.Exec("DELETE FROM author_stats WHERE author_id = 2").Error; err != nil {
		t.Fatal(err)
	}
	if n, err := f.store.Audit(t.Context(), t.Logf); err != nil || n != 2 {
		t.Fatalf("audit: %d wrong, %v", n, err)
	}
}

func TestConstantCost(t *testing.T) {
	f := newFixture(t)
	var ids []int64
	for i := range 100 {
		ids = append(ids, f.publish(t, int64(i+1), "t").Id)
	}
	count := sqldbtest.CountStatements(f.sql)
	for _, n := range []int{1, 99} {
		before := count()
		if _, err := f.MGetVideos(t.Context(), &video.MGetVideosRequest{VideoIds: ids[:n]}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.MCountByAuthor(t.Context(), &video.MCountByAuthorRequest{AuthorIds: ids[:n]}); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Feed(t.Context(), &video.FeedRequest{Limit: int32(n)}); err != nil {
			t.Fatal(err)
		}
		if got := count() - before; got != 3 {
			t.Errorf("%d ids cost %d statements", n, got)
		}
	}
}
