package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"

	userdb "tiktok/cmd/user/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
)

const (
	// marked begins the names of users and the keys of videos that were made here.
	marked = "bench_"
	// password is every such user's.
	password = "bench-password"
	// loadBatch is the number of rows in one statement.
	loadBatch = 500
	// clip is what all videos show, a file of the repository without its ending.
	clip = "cmd/tiktok/app/demo/clips/aurora"
)

// dataset is what requests are made of.
type dataset struct {
	users  []user
	videos []video
}

type user struct {
	id    int64
	token string
}

type video struct{ id, author int64 }

// loader fills the stores of a deployment past its API: registering ten thousand users would take minutes, because a
// password hash is slow by design. It may run while the deployment does, or before its first start.
type loader struct {
	cfg config.Config
	// ids are of a node that no replica takes: they take the smallest free ones.
	ids *id.Generator
	say func(format string, args ...any)
}

func newLoader(cfg config.Config, say func(string, ...any)) *loader {
	return &loader{cfg: cfg, ids: id.New(id.Nodes - 1), say: say}
}

// load makes what is missing to that many users and videos, each video by another user, and signs a token for each
// user. What an earlier call made is used again.
func (l *loader) load(ctx context.Context, secret []byte, users, videos int) (*dataset, error) {
	began := time.Now()
	userIDs, err := l.users(ctx, users)
	if err != nil {
		return nil, fmt.Errorf("load users: %w", err)
	}
	d := &dataset{users: make([]user, len(userIDs))}
	if d.videos, err = l.videos(ctx, userIDs, videos); err != nil {
		return nil, fmt.Errorf("load videos: %w", err)
	}
	tokens := auth.NewTokens(secret, l.cfg.Auth.TokenTTL)
	for i, userID := range userIDs {
		token, err := tokens.Issue(userID)
		if err != nil {
			return nil, err
		}
		d.users[i] = user{id: userID, token: token}
	}
	l.say("%d users with tokens and %d videos are there after %.1f s", len(d.users), len(d.videos), time.Since(began).Seconds())
	return d, nil
}

func (l *loader) open(ctx context.Context, service string) (*sqldb.DB, error) {
	db, err := sqldb.Open(ctx, l.cfg.DB, service)
	if err != nil {
		return nil, err
	}
	migrations := userdb.Migrations()
	if service == "video" {
		migrations = videodb.Migrations()
	}
	if err := db.Migrate(ctx, migrations); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (l *loader) users(ctx context.Context, want int) (ids []int64, err error) {
	db, err := l.open(ctx, "user")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const existing = "SELECT id FROM users WHERE username >= ? AND username < ? ORDER BY id LIMIT ?"
	if err := db.Read.WithContext(ctx).Raw(existing, marked, marked+"~", want).Scan(&ids).Error; err != nil {
		return nil, err
	}
	// One hash for all: they have the same password, and nobody's secret is behind it.
	hash, err := auth.NewHasher(1).Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	for len(ids) < want {
		rows := make([]userdb.Account, min(loadBatch, want-len(ids)))
		for i := range rows {
			userID := l.ids.Next()
			rows[i] = userdb.Account{PasswordHash: hash, User: userdb.User{
				ID: userID, Username: fmt.Sprint(marked, userID), Signature: "one of many", CreatedAtMs: id.Time(userID).UnixMilli(),
			}}
			ids = append(ids, userID)
		}
		if err := db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&rows).Error }); err != nil {
			return nil, err
		}
		l.say("%d of %d users", len(ids), want)
	}
	return ids, nil
}

func (l *loader) videos(ctx context.Context, authors []int64, want int) (videos []video, err error) {
	db, err := l.open(ctx, "video")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var rows []videodb.Video
	err = db.Read.WithContext(ctx).Raw("SELECT id, author_id FROM videos WHERE play_key = ? ORDER BY id LIMIT ?", playKey(), want).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		videos = append(videos, video{r.ID, r.AuthorID})
	}
	if len(videos) == want {
		return videos, nil
	}
	size, err := l.media(ctx)
	if err != nil {
		return nil, err
	}
	for len(videos) < want {
		rows := make([]videodb.Video, min(loadBatch, want-len(videos)))
		for i := range rows {
			v := video{id: l.ids.Next(), author: authors[len(videos)%len(authors)]}
			videos = append(videos, v)
			rows[i] = videodb.Video{
				ID: v.id, AuthorID: v.author, Title: fmt.Sprint("bench ", len(videos)), PlayKey: playKey(), CoverKey: coverKey(),
				DurationMs: 4000, SizeBytes: size, WidthPx: 360, HeightPx: 640,
			}
		}
		if err := db.Tx(ctx, func(tx *gorm.DB) error { return publish(tx, rows) }); err != nil {
			return nil, err
		}
		l.say("%d of %d videos", len(videos), want)
	}
	return videos, nil
}

// publish stores videos as the video service does: times increase from each to the next, and authors are counted.
func publish(tx *gorm.DB, rows []videodb.Video) error {
	// Locks the clock's row until the commit, so that nobody publishes in between.
	if err := tx.Exec("UPDATE publish_clock SET last_ms = last_ms + 1 WHERE id = 1").Error; err != nil {
		return err
	}
	var last int64
	if err := tx.Raw("SELECT COALESCE(MAX(last_ms), 0) FROM publish_clock").Scan(&last).Error; err != nil {
		return err
	}
	authors := make([]int64, len(rows))
	for i := range rows {
		last = max(last+1, time.Now().UnixMilli()-int64(len(rows)))
		rows[i].PublishedAtMs = last
		authors[i] = rows[i].AuthorID
	}
	if err := tx.Create(&rows).Error; err != nil {
		return err
	}
	if err := tx.Exec("REPLACE INTO publish_clock (id, last_ms) VALUES (1, ?)", last).Error; err != nil {
		return err
	}
	const count = "REPLACE INTO author_stats (author_id, work_count) SELECT author_id, COUNT(*) FROM videos WHERE author_id IN ? GROUP BY author_id"
	return tx.Exec(count, authors).Error
}

func playKey() string  { return "bench/clip.mp4" }
func coverKey() string { return "bench/clip.jpg" }

// media stores the files of all videos and returns the clip's size in bytes.
func (l *loader) media(ctx context.Context) (size int64, err error) {
	blobs, err := blob.Open(ctx, l.cfg.Blob)
	if err != nil {
		return 0, err
	}
	for _, m := range []struct{ key, kind string }{{coverKey(), "image/jpeg"}, {playKey(), "video/mp4"}} {
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
