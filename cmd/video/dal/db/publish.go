package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/idempotency"
	"tiktok/pkg/sqldb"
)

// Video is a published clip.
type Video struct {
	ID            int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	AuthorID      int64  `gorm:"column:author_id"`
	Title         string `gorm:"column:title"`
	PlayKey       string `gorm:"column:play_key"`
	CoverKey      string `gorm:"column:cover_key"`
	PublishedAtMs int64  `gorm:"column:published_at_ms"`
	DurationMs    int64  `gorm:"column:duration_ms"`
	SizeBytes     int64  `gorm:"column:size_bytes"`
	WidthPx       int32  `gorm:"column:width_px"`
	HeightPx      int32  `gorm:"column:height_px"`
	HLSKey        string `gorm:"column:hls_key"`
	PreviewKey    string `gorm:"column:preview_key"`
	// Mentions are the ids of those whom the title mentions, in decimal, with commas between them; at most 200 bytes.
	Mentions string `gorm:"column:mentions"`
}

// TableName is videos.
func (Video) TableName() string { return "videos" }

// publishClock is the one row with the time of the latest video.
type publishClock struct {
	ID     int64 `gorm:"column:id;primaryKey;autoIncrement:false"`
	LastMs int64 `gorm:"column:last_ms"`
}

// TableName is publish_clock.
func (publishClock) TableName() string { return "publish_clock" }

// authorStats is how many videos an author has published.
type authorStats struct {
	AuthorID  int64 `gorm:"column:author_id;primaryKey;autoIncrement:false"`
	WorkCount int64 `gorm:"column:work_count"`
}

// TableName is author_stats.
func (authorStats) TableName() string { return "author_stats" }

// Publish stores m, which waits in its lane, its bytes for its author and, when m is listed, v at v.PublishedAtMs or a little
// later: see list. It returns v as stored, and fails with ErrQuota or ErrDailyQuota.
//
// Of the requests with one key only the first stores anything, and the others return what it stored: see Published. key may be nil. It
// fails with errno.IdempotencyKeyReused.
func (s *Store) Publish(
	ctx context.Context, v Video, m Media, q Quota, key *idempotency.Request,
) (out Video, first *Published, err error) {
	row, repeated, err := s.Keys().Once(ctx, key, m.CreatedAtMs, func() (err error) {
		out, err = s.publish(ctx, v, m, q, key)
		return err
	})
	if err == nil && repeated {
		first, err = s.published(ctx, row)
	}
	if err != nil {
		return Video{}, nil, fmt.Errorf("publish: %w", err)
	}
	return out, first, nil
}

func (s *Store) publish(ctx context.Context, v Video, m Media, q Quota, key *idempotency.Request) (Video, error) {
	out := v
	m.QuotaBytes = m.SizeBytes
	err := s.change(ctx, func(tx *gorm.DB) (_ []Change, err error) {
		// The key first of all: whoever repeats it holds up nobody else.
		if err := key.AddTo(tx, v.ID, m.CreatedAtMs); err != nil {
			return nil, err
		}
		// The storage first, also before the clock: who is refused holds up nobody else.
		if err := s.store(tx, m, q); err != nil {
			return nil, err
		}
		told := Change{Upload: m.Pending != 0}
		if m.Listed != 0 {
			if out, err = s.list(tx, v); err != nil {
				return nil, err
			}
			told.Listed = &out
		}
		if m.Lane != LaneNone {
			if err := s.enqueue(tx, &m, m.Lane); err != nil {
				return nil, err
			}
		}
		told.Media = m
		return []Change{told}, tx.Create(&m).Error
	})
	return out, err
}

// list stores v at v.PublishedAtMs, or a little later when a video has that time or a later one: times strictly
// increase from each video to the next, whatever the clocks of the replicas do. It counts v for its author and returns
// what was stored.
func (s *Store) list(tx *gorm.DB, v Video) (Video, error) {
	// The first statement locks the clock's row until the commit.
	tick := tx.Clauses(sqldb.Upsert(s.Advancing("last_ms", 1), "id")).Create(&publishClock{ID: 1, LastMs: v.PublishedAtMs})
	if tick.Error != nil {
		return Video{}, tick.Error
	}
	if err := tx.Raw("SELECT last_ms FROM publish_clock WHERE id = 1").Scan(&v.PublishedAtMs).Error; err != nil {
		return Video{}, err
	}
	if err := tx.Create(&v).Error; err != nil {
		return Video{}, err
	}
	return v, tx.Clauses(sqldb.Upsert(s.Adding("work_count"), "author_id")).Create(&authorStats{v.AuthorID, 1}).Error
}
