package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"gorm.io/gorm"

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
}

// TableName is videos.
func (Video) TableName() string { return "videos" }

// searchAhead is how many milliseconds after its own a video may be dated when others were published at the same time.
const searchAhead = 1000

// publishAttempts is how often Publish looks for a free time when others take the one it found.
const publishAttempts = 20

// ErrCrowded means that no free publish time was found near the wanted one.
var ErrCrowded = errors.New("too many videos are published at once")

// Publish stores v at v.PublishedAtMs, or at a free millisecond soon after when another video has that one, counts it
// for its author, and returns what was stored. The unique key on the time decides between publishers who meet.
func (s *Store) Publish(ctx context.Context, v Video) (Video, error) {
	for attempt := range publishAttempts {
		err := s.insert(ctx, v)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, sqldb.ErrDuplicate) {
			return Video{}, fmt.Errorf("publish: %w", err)
		}
		if v.PublishedAtMs, err = s.freeTime(ctx, v.PublishedAtMs, rand.N(2<<min(attempt, 6))); err != nil {
			return Video{}, fmt.Errorf("publish: %w", err)
		}
	}
	return Video{}, ErrCrowded
}

func (s *Store) insert(ctx context.Context, v Video) error {
	count := `INSERT INTO author_stats (author_id, work_count) VALUES (?, 1) ON DUPLICATE KEY UPDATE work_count = work_count + 1`
	if s.sqlite() {
		count = `INSERT INTO author_stats (author_id, work_count) VALUES (?, 1) ON CONFLICT (author_id) DO UPDATE SET work_count = work_count + 1`
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&v).Error; err != nil {
			return err
		}
		return tx.Exec(count, v.AuthorID).Error
	})
}

// freeTime finds a millisecond from at on that no video has, after skipping some free ones: publishers who look at the
// same moment see the same free times, and would otherwise all try the first.
func (s *Store) freeTime(ctx context.Context, at int64, skip int) (int64, error) {
	var taken []int64
	const query = "SELECT published_at_ms FROM videos WHERE published_at_ms BETWEEN ? AND ? ORDER BY published_at_ms"
	if err := s.db.Read.WithContext(ctx).Raw(query, at, at+searchAhead).Scan(&taken).Error; err != nil {
		return 0, sqldb.Translate(err)
	}
	for {
		switch {
		case len(taken) > 0 && taken[0] == at:
			taken = taken[1:]
		case skip > 0:
			skip--
		default:
			return at, nil
		}
		at++
	}
}
