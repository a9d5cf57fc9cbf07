package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// TagVideo is a place on a tag's page.
type TagVideo struct {
	Tag         string `gorm:"column:tag;primaryKey"`
	PublishedMs int64  `gorm:"column:published_ms;primaryKey;autoIncrement:false"`
	VideoID     int64  `gorm:"column:video_id;primaryKey;autoIncrement:false"`
}

// TableName is video_tags.
func (TagVideo) TableName() string { return "video_tags" }

// tagPageSQL is a page in the order of the primary key.
const tagPageSQL = `FROM video_tags WHERE tag = ? AND published_ms <= ? AND (published_ms < ? OR video_id < ?)
	ORDER BY published_ms DESC, video_id DESC LIMIT ?`

// TagPage reads up to limit videos with a tag that come after a place, newest first.
func (s *Store) TagPage(ctx context.Context, tag string, beforeMs, beforeID int64, limit int) ([]TagVideo, error) {
	rows, err := sqldb.Select[TagVideo](s.Read.WithContext(ctx), tagPageSQL, tag, beforeMs, beforeMs, beforeID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("read the page of a tag: %w", err)
	}
	return rows, nil
}

// tagNewestSQL are the newest videos with a tag.
const tagNewestSQL = `SELECT * FROM (SELECT tag, published_ms, video_id FROM video_tags WHERE tag = ?
	ORDER BY published_ms DESC, video_id DESC LIMIT ?) AS t`

// TagNewest reads the newest videos with each of the tags, in no order.
func (s *Store) TagNewest(ctx context.Context, tags []string, limit int) (map[string][]int64, error) {
	keys := make([][]any, len(tags))
	for i, tag := range tags {
		keys[i] = []any{tag, limit}
	}
	found := make(map[string][]int64, len(tags))
	err := union(ctx, s, tagNewestSQL, keys, func(v TagVideo) { found[v.Tag] = append(found[v.Tag], v.VideoID) })
	if err != nil {
		return nil, fmt.Errorf("read the newest videos with tags: %w", err)
	}
	return found, nil
}

// TagCounts reads how many videos have each of the tags. One that nobody uses is missing.
func (s *Store) TagCounts(ctx context.Context, tags []string) (map[string]int64, error) {
	found := make(map[string]int64, len(tags))
	for part := range slices.Chunk(tags, maxRows) {
		err := sqldb.Select[Tag](s.Read.WithContext(ctx), "FROM tags WHERE tag IN ? AND videos > 0", part).Each(func(t Tag) {
			found[t.Tag] = t.Videos
		})
		if err != nil {
			return nil, fmt.Errorf("read tags: %w", err)
		}
	}
	return found, nil
}

// TrendingTag is one of the tags of the hour.
type TrendingTag struct {
	// Position counts from 0.
	Position int64   `gorm:"column:position;primaryKey;autoIncrement:false"`
	Tag      string  `gorm:"column:tag"`
	Score    float64 `gorm:"column:score"`
}

// TableName is trending_tags.
func (TrendingTag) TableName() string { return "trending_tags" }

// TrendingTags reads the tags of the hour in order.
func (s *Store) TrendingTags(ctx context.Context) ([]TrendingTag, error) {
	rows, err := sqldb.Select[TrendingTag](s.Read.WithContext(ctx), "FROM trending_tags ORDER BY position").All()
	if err != nil {
		return nil, fmt.Errorf("read trending tags: %w", err)
	}
	return rows, nil
}

// SetTrendingTags replaces the tags of the hour, at most 1000, in one transaction. Readers see the ones or the others.
func (s *Store) SetTrendingTags(ctx context.Context, tags []TrendingTag) error {
	if len(tags) > maxRows {
		return errors.New("too many trending tags")
	}
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("position >= ?", len(tags)).Delete(&TrendingTag{}).Error; err != nil || len(tags) == 0 {
			return err
		}
		set := clause.AssignmentColumns([]string{"tag", "score"})
		return tx.Clauses(sqldb.Upsert(set, "position")).Create(&tags).Error
	})
	if err != nil {
		return fmt.Errorf("replace trending tags: %w", err)
	}
	return nil
}
