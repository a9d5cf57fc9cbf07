package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// Delete takes an author's video, listed or not, out of every list and leaves its files to a worker. A worker that
// holds the video keeps it until the end of its lease, or until it lets go, so that nobody deletes what is still being
// written. It fails with ErrNotFound, also for a video that is being deleted, or with ErrNotAuthor.
func (s *Store) Delete(ctx context.Context, authorID, videoID, nowMs int64) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		m, err := s.lockMedia(tx, videoID)
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return s.deleteOld(tx, authorID, videoID, nowMs)
		case err != nil:
			return err
		case m.AuthorID != authorID && m.Lane != LaneDelete:
			return ErrNotAuthor
		case m.Lane == LaneDelete:
			return sqldb.ErrNotFound
		}
		if m.Token == "" {
			m.DueMs = nowMs
		}
		if err := giveBack(tx, m); err != nil {
			return err
		}
		listed := m.Listed
		m.State, m.Lane, m.Pending, m.Listed, m.Todo, m.Attempts, m.QuotaBytes = StateDeleting, LaneDelete, 0, 0, 0, 0, 0
		err = tx.Select("state", "lane", "pending", "listed", "todo", "attempts", "quota_bytes", "due_ms").Updates(&m).Error
		if err != nil || listed == 0 {
			return err
		}
		return unlist(tx, authorID, videoID)
	})
	if errors.Is(err, sqldb.ErrDuplicate) { // two at once, of a video from before there was video_media
		err = sqldb.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete video %d: %w", videoID, err)
	}
	return nil
}

func (s *Store) lockMedia(tx *gorm.DB, videoID int64) (m Media, err error) {
	err = s.ForUpdate(tx).Where("video_id = ?", videoID).Take(&m).Error
	return m, err
}

// deleteOld deletes a video that has no row of work: it was published before there were such rows.
func (s *Store) deleteOld(tx *gorm.DB, authorID, videoID, nowMs int64) error {
	var v Video
	if err := s.ForUpdate(tx).Where("id = ?", videoID).Take(&v).Error; err != nil {
		return err
	}
	if v.AuthorID != authorID {
		return ErrNotAuthor
	}
	m := Media{
		VideoID: v.ID, AuthorID: v.AuthorID, Title: v.Title, State: StateDeleting, Lane: LaneDelete, DueMs: nowMs,
		SourceKey: v.PlayKey, CoverKey: v.CoverKey, CreatedAtMs: v.PublishedAtMs,
	}
	if err := tx.Create(&m).Error; err != nil {
		return err
	}
	return unlist(tx, authorID, videoID)
}

// unlist is the opposite of list.
func unlist(tx *gorm.DB, authorID, videoID int64) error {
	if err := tx.Exec("DELETE FROM videos WHERE id = ?", videoID).Error; err != nil {
		return err
	}
	return tx.Exec("UPDATE author_stats SET work_count = work_count - 1 WHERE author_id = ?", authorID).Error
}

// Forget removes the last trace of a video whose deletion the holder of the lease has carried out. What Expire has marked
// counts for its author until then.
func (s *Store) Forget(ctx context.Context, videoID int64, token string) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		m, err := s.lockMedia(tx, videoID)
		if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && (m.Token != token || m.Lane != LaneDelete) {
			return ErrLeaseLost
		}
		if err != nil {
			return err
		}
		if err := giveBack(tx, m); err != nil {
			return err
		}
		return tx.Exec("DELETE FROM video_media WHERE video_id = ?", videoID).Error
	})
	if err != nil {
		return fmt.Errorf("forget video: %w", err)
	}
	return nil
}
