package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/sqldb"
)

const (
	// marked begins the names of users and the keys of videos that were made here.
	marked = "bench_"
	// password is every such user's.
	password = "bench-password"
	// clip is what all videos show, a file of the repository without its ending.
	clip = "cmd/tiktok/app/demo/clips/aurora"
	// playKey and coverKey are where its files are in the blob store.
	playKey, coverKey = "bench/clip.mp4", "bench/clip.jpg"
)

// loader fills the stores of a deployment past its API: registering ten thousand users would take minutes, because a
// password hash is slow by design. The schemas must be there: the deployment's own first start makes them.
type loader struct {
	cfg config.Config
	say func(format string, args ...any)
}

// load makes a data set of that shape unless there is one. What is there is taken as it is, whatever its size.
func (l *loader) load(ctx context.Context, s shape) (err error) {
	began := time.Now()
	open := stores{}
	defer func() { err = errors.Join(err, open.close()) }()
	if err := open.open(ctx, l.cfg.DB); err != nil {
		return err
	}
	var some []int64
	const existing = "SELECT id FROM users WHERE username >= ? AND username < ? LIMIT 1"
	if err := open["user"].Read.WithContext(ctx).Raw(existing, marked, marked+"~").Scan(&some).Error; err != nil {
		return err
	}
	if len(some) > 0 {
		return nil
	}
	for _, db := range open {
		if db.Dialect() == sqldb.SQLite { // what is lost with the machine can be loaded again
			if err := db.Write.Exec("PRAGMA synchronous = OFF").Error; err != nil {
				return err
			}
		}
	}
	size, err := l.media(ctx)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, job := range s.fill(open, l.say, size) {
		g.Go(func() error { return job(ctx) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	l.say("%d users, %d videos, %d likes, %d comments, about %d follows are loaded after %.1f s\n",
		s.users, s.videos, s.favorites, s.comments, s.follows, time.Since(began).Seconds())
	return nil
}

// stores are the open schemas by service.
type stores map[string]*sqldb.DB

func (s stores) open(ctx context.Context, cfg sqldb.Config) error {
	for _, service := range services.All() {
		if service.Migrations == nil {
			continue
		}
		db, err := sqldb.Open(ctx, cfg, service.Name)
		if err != nil {
			return err
		}
		s[service.Name] = db
	}
	return nil
}

func (s stores) close() error {
	var errs []error
	for _, db := range s {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// media stores the files of all videos and returns the clip's size in bytes.
func (l *loader) media(ctx context.Context) (size int64, err error) {
	blobs, err := blob.Open(ctx, l.cfg.Blob)
	if err != nil {
		return 0, err
	}
	for _, m := range []struct{ key, kind string }{{coverKey, "image/jpeg"}, {playKey, "video/mp4"}} {
		f, err := os.Open(clip + filepath.Ext(m.key))
		if err != nil {
			return 0, err
		}
		size, err = blobs.Put(ctx, m.key, f, m.kind)
		if err := errors.Join(err, f.Close()); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// hash is the stored form of password: one for all, as nobody's secret is behind it.
func hash(ctx context.Context) (string, error) { return auth.NewHasher(1).Hash(ctx, "", password) }
