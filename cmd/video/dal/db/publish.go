package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
)

// Video is a published clip.
type Video struct {
	ID            int64  `gorm:"column:id;primaryKey;autoIncrement:false" json:"i"`
	AuthorID      int64  `gorm:"column:author_id" json:"a"`
	Title         string `gorm:"column:title" json:"t"`
	PlayKey       string `gorm:"column:play_key" json:"p"`
	CoverKey      string `gorm:"column:cover_key" json:"c"`
	PublishedAtMs int64  `gorm:"column:published_at_ms" json:"at"`
	DurationMs    int64  `gorm:"column:duration_ms" json:"d,omitempty"`
	SizeBytes     int64  `gorm:"column:size_bytes" json:"b,omitempty"`
	WidthPx       int32  `gorm:"column:width_px" json:"w,omitempty"`
	HeightPx      int32  `gorm:"column:height_px" json:"h,omitempty"`
	HLSKey        string `gorm:"column:hls_key" json:"l,omitempty"`
	PreviewKey    string `gorm:"column:preview_key" json:"v,omitempty"`
}

// TableName is videos.
func (Video) TableName() string { return "videos" }

// Publish stores m, which waits in its lane, its bytes for its author and, when m is listed, v at v.PublishedAtMs or a little
// later: see list. It returns v as stored, and fails with ErrQuota or ErrDailyQuota.
func (s *Store) Publish(ctx context.Context, v Video, m Media, q Quota) (Video, error) {
	out := v
	m.QuotaBytes = m.SizeBytes
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		// The storage first, also before the clock: who is refused holds up nobody else.
		if err := s.store(tx, m, q); err != nil {
			return err
		}
		if m.Listed != 0 {
			if out, err = s.list(tx, v); err != nil {
				return err
			}
		}
		if m.Lane != LaneNone {
			if err := s.queue(tx, &m, m.Lane); err != nil {
				return err
			}
		}
		return tx.Create(&m).Error
	})
	if err != nil {
		return Video{}, fmt.Errorf("publish: %w", err)
	}
	return out, nil
}

// list stores v at v.PublishedAtMs, or a little later when a video has that time or a later one: times strictly
// increase from each video to the next, whatever the clocks of the replicas do. It counts v for its author and returns
// what was stored.
func (s *Store) list(tx *gorm.DB, v Video) (Video, error) {
	// The first statement locks the clock's row until the commit.
	tick := `INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON DUPLICATE KEY UPDATE last_ms = GREATEST(last_ms + 1, VALUES(last_ms))`
	count := `INSERT INTO author_stats (author_id, work_count) VALUES (?, 1) ON DUPLICATE KEY UPDATE work_count = work_count + 1`
	if s.sqlite() {
		tick = `INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_ms = MAX(last_ms + 1, excluded.last_ms)`
		count = `INSERT INTO author_stats (author_id, work_count) VALUES (?, 1) ON CONFLICT (author_id) DO UPDATE SET work_count = work_count + 1`
	}
	if err := tx.Exec(tick, v.PublishedAtMs).Error; err != nil {
		return Video{}, err
	}
	if err := tx.Raw("SELECT last_ms FROM publish_clock WHERE id = 1").Scan(&v.PublishedAtMs).Error; err != nil {
		return Video{}, err
	}
	if err := tx.Create(&v).Error; err != nil {
		return Video{}, err
	}
	return v, tx.Exec(count, v.AuthorID).Error
}
