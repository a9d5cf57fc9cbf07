package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// Delete takes an author's video, listed or not, out of every list, tells others, and leaves its files to a worker. A worker that
// holds the video keeps it until the end of its lease, or until it lets go, so that nobody deletes what is still being
// written. It fails with ErrNotFound, also for a video that is being deleted, or with ErrNotAuthor.
func (s *Store) Delete(ctx context.Context, authorID, videoID, nowMs int64) error {
	err := s.change(ctx, func(tx *gorm.DB) ([]Change, error) {
		m, err := s.lockMedia(tx, videoID)
		switch {
		case errors.Is(err, gorm.ErrRecordNotFound):
			return s.deleteOld(tx, authorID, videoID, nowMs)
		case err != nil:
			return nil, err
		case m.AuthorID != authorID && m.Lane != LaneDelete:
			return nil, ErrNotAuthor
		case m.Lane == LaneDelete:
			return nil, sqldb.ErrNotFound
		}
		if m.Token == "" {
			m.DueMs = nowMs
		}
		if err := giveBack(tx, m); err != nil {
			return nil, err
		}
		told := []Change{{Media: m, Deleted: true}}
		listed := m.Listed
		m.State, m.Lane, m.Pending, m.Listed, m.Todo, m.Attempts, m.QuotaBytes = StateDeleting, LaneDelete, 0, 0, 0, 0, 0
		m.Told = s.tells()
		err = tx.Select("state", "lane", "pending", "listed", "todo", "attempts", "quota_bytes", "due_ms", "told").Updates(&m).Error
		if err != nil || listed == 0 {
			return told, err
		}
		return told, unlist(tx, authorID, videoID)
	})
	if errors.Is(err, sqldb.ErrDuplicate) { // two at once, of a video from before there was video_media
		err = sqldb.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete video %d: %w", videoID, err)
	}
	return nil
}

// tells is Media.Told of what this store deletes.
func (s *Store) tells() int {
	if s.messages == nil {
		return 0
	}
	return 1
}

func (s *Store) lockMedia(tx *gorm.DB, videoID int64) (m Media, err error) {
	err = s.ForUpdate(tx).Where("video_id = ?", videoID).Take(&m).Error
	return m, err
}

// deleteOld deletes a video that has no row of work: it was published before there were such rows.
func (s *Store) deleteOld(tx *gorm.DB, authorID, videoID, nowMs int64) ([]Change, error) {
	var v Video
	if err := s.ForUpdate(tx).Where("id = ?", videoID).Take(&v).Error; err != nil {
		return nil, err
	}
	if v.AuthorID != authorID {
		return nil, ErrNotAuthor
	}
	m := Media{
		VideoID: v.ID, AuthorID: v.AuthorID, Title: v.Title, State: StateDeleting, Lane: LaneDelete, DueMs: nowMs,
		SourceKey: v.PlayKey, CoverKey: v.CoverKey, CreatedAtMs: v.PublishedAtMs, Mentions: v.Mentions, Told: s.tells(),
	}
	if err := tx.Create(&m).Error; err != nil {
		return nil, err
	}
	return []Change{{Media: m, Deleted: true}}, unlist(tx, authorID, videoID)
}

// unlist is the opposite of list.
func unlist(tx *gorm.DB, authorID, videoID int64) error {
	if err := tx.Exec("DELETE FROM videos WHERE id = ?", videoID).Error; err != nil {
		return err
	}
	return tx.Exec("UPDATE author_stats SET work_count = work_count - 1 WHERE author_id = ?", authorID).Error
}

// Forget removes the last trace of a video whose deletion the holder of the lease has carried out. What Expire has marked
// counts for its author until then. It tells others of the deletion if who marked it did not.
func (s *Store) Forget(ctx context.Context, videoID int64, token string) error {
	err := s.change(ctx, func(tx *gorm.DB) (told []Change, err error) {
		m, err := s.lockMedia(tx, videoID)
		if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && (m.Token != token || m.Lane != LaneDelete) {
			return nil, ErrLeaseLost
		}
		if err != nil {
			return nil, err
		}
		if err := giveBack(tx, m); err != nil {
			return nil, err
		}
		if m.Told == 0 {
			told = []Change{{Media: m, Deleted: true}}
		}
		return told, tx.Exec("DELETE FROM video_media WHERE video_id = ?", videoID).Error
	})
	if err != nil {
		return fmt.Errorf("forget video: %w", err)
	}
	return nil
}
