package service

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb/sqldbtest"
)

// grow makes many users, videos, follows and likes, of which nobody was told.
func (f *filled) grow(n int) {
	var users, videos []int64
	for range n {
		users = append(users, f.register())
	}
	for i := range n {
		f.at = f.at.Add(time.Minute)
		videos = append(videos, f.publish(users[i*7%n]))
	}
	for i := range n {
		f.at = f.at.Add(time.Second)
		f.follow(users[i], users[(i*3+1)%n])
		f.like(videos[i*5%n], users[i])
	}
	f.sent = nil
}

// 5,000 users, videos, follows and likes were there before the service, and things go on while it reads them. It is killed at every third
// page. In the end the catalogue shows what is.
func TestBackfill(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		f.grow(5000)
		told, applied := 0, 0
		killed := errors.New("killed")
		var pages int
		f.before = func(name string) {
			if name != "ScanUsers" && name != "ScanVideos" && name != "ScanFollows" && name != "ScanLikes" {
				return
			}
			pages++
			for range 40 {
				f.step()
			}
			f.mu.Lock()
			told = len(f.sent)
			messages := f.sent[applied:max(applied, told-30)] // some wait
			applied += len(messages)
			f.failing = nil
			if pages%3 == 0 {
				f.failing = killed // after what happened, so the page is read again later
			}
			f.mu.Unlock()
		}
		for {
			from := applied
			err := f.fillOnce(t.Context())
			f.mu.Lock()
			f.failing = nil
			f.mu.Unlock()
			f.applied(t, f.sent[from:applied]...)
			if err == nil {
				break
			}
			if pages > 200 {
				t.Fatalf("it never ends: %v", err)
			}
		}
		f.before = nil
		f.applied(t, f.sent...)
		f.check(t, f.store, f.settings.HalfLife)
		if pages < 20 {
			t.Errorf("%d pages", pages)
		}
		clear(f.calls)
		if err := f.fillOnce(t.Context()); err != nil || len(f.calls) != 0 {
			t.Errorf("it is filled, and reads again: %v, %v", f.calls, err)
		}
		var v []db.Video
		if err := f.sql.Read.Where("likes > 0").Limit(10).Find(&v).Error; err != nil || len(v) == 0 {
			t.Errorf("no video has likes, %v", err)
		}
		rows, err := f.store.Backfills(t.Context(), 0, "users", "videos", "follows", "likes")
		for name, b := range rows {
			if b.RowsRead < 4000 || b.DoneMs == 0 {
				t.Errorf("%s: %+v", name, b)
			}
		}
		if err != nil || len(rows) != 4 {
			t.Errorf("%v, %v", rows, err)
		}
	})
}

// Events come while pages are read and stored, by several processes that all believe to lead.
func TestBackfillBesideEvents(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		f.grow(3000)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for {
					err := f.fillOnce(t.Context())
					if err == nil {
						return
					}
					if !errors.Is(err, db.ErrBackfillMoved) {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 40 {
			for range 20 {
				f.step()
			}
			f.mu.Lock()
			messages := f.sent
			f.sent = nil
			f.mu.Unlock()
			f.applied(t, messages...)
		}
		wg.Wait()
		f.check(t, f.store, f.settings.HalfLife)
	})
}

// Likes of long ago are in the statistics of authors, once, and nowhere else.
func TestBackfillOldLikes(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		f.at = f.at.Add(-200 * 24 * time.Hour)
		author, fan := f.register(), f.register()
		old := f.publish(author)
		f.like(old, fan)
		day := db.Day(f.at.UnixMilli())
		f.at = f.at.Add(200 * 24 * time.Hour)
		f.like(f.publish(author), fan)
		for range 2 {
			if err := f.fillOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var likes []db.Like
		var days []db.AuthorDay
		err := errors.Join(f.sql.Read.Find(&likes).Error, f.sql.Read.Order("day").Find(&days).Error)
		if err != nil || len(likes) != 1 || len(days) != 2 || days[0].Day != day || days[0].Likes != 1 || days[1].Likes != 1 {
			t.Errorf("%+v, %+v, %v", likes, days, err)
		}
	})
}

// A service that is away is waited for; then all is filled, by Run.
func TestFill(t *testing.T) {
	f := newFilled(t, sqldbtest.SQLite(t, Name, db.Migrations()), 3)
	f.grow(50)
	f.bus = readyBus{}
	f.failing = errors.New("away")
	failed := make(chan struct{}, 100)
	f.before = func(string) {
		select {
		case failed <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f.fill(ctx) }()
	<-failed
	<-failed
	f.mu.Lock()
	f.failing = nil
	f.mu.Unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
	f.check(t, f.store, f.settings.HalfLife)
}

// readyBus is a bus whose broker is there.
type readyBus struct{ outbox.Bus }

func (readyBus) Ping(context.Context) error { return nil }
