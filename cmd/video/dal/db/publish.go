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

// Published is what Publish has stored.
type Published struct {
	// Video is as it is stored; without a publish time when it is not listed.
	Video  Video
	Listed bool
	// Repeated says that nothing was stored: Video is that of a former upload of the same file.
	Repeated bool
}

// Publish stores m, which waits in its lane, its bytes for its author and, when m is listed, v at v.PublishedAtMs or a little
// later: see list. When the author has uploaded the same file with the same title after sinceMs, it stores nothing. It fails
// with ErrQuota or ErrDailyQuota.
func (s *Store) Publish(ctx context.Context, v Video, m Media, q Quota, sinceMs int64) (Published, error) {
	var out Published
	m.QuotaBytes = m.SizeBytes
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		out = Published{Video: v, Listed: m.Listed != 0}
		// The storage first, also before the clock: who is refused holds up nobody else.
		st, err := s.lockStorage(tx, m.AuthorID)
		if err != nil {
			return err
		}
		former, ok, err := repeated(tx, m, sinceMs)
		if err != nil {
			return err
		}
		if ok {
			out = Published{Video: former.video(), Listed: former.Listed != 0, Repeated: true}
			if !out.Listed {
				return nil
			}
			return tx.Where("id = ?", former.VideoID).Take(&out.Video).Error
		}
		if err := store(tx, st, m.QuotaBytes, m.CreatedAtMs, q); err != nil {
			return err
		}
		if out.Listed {
			if out.Video, err = s.list(tx, v); err != nil {
				return err
			}
		} else {
			out.Video.PublishedAtMs = 0
		}
		if m.Lane != LaneNone {
			if err := s.queue(tx, &m, m.Lane); err != nil {
				return err
			}
		}
		return tx.Create(&m).Error
	})
	if err != nil {
		return Published{}, fmt.Errorf("publish: %w", err)
	}
	return out, nil
}

// video is what is known of an upload that is not listed.
func (m Media) video() Video {
	return Video{
		ID: m.VideoID, AuthorID: m.AuthorID, Title: m.Title, PlayKey: m.SourceKey, CoverKey: m.CoverKey,
		DurationMs: m.DurationMs, SizeBytes: m.SizeBytes, WidthPx: m.WidthPx, HeightPx: m.HeightPx,
	}
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
