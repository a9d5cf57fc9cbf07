package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// Those who compare other data with likes and comments walk through them, in the order of their keys.

// FavoritesAfter reads up to limit rows behind a key: likes that were taken back, too.
func (s *Store) FavoritesAfter(ctx context.Context, after FavoriteKey, limit int) ([]Favorite, error) {
	rows, err := sqldb.Select[Favorite](s.Read.WithContext(ctx),
		"FROM favorites WHERE user_id >= ? AND (user_id > ? OR video_id > ?) ORDER BY user_id, video_id LIMIT ?",
		after.UserID, after.UserID, after.VideoID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through likes: %w", err)
	}
	return rows, nil
}

// LikesAfter reads up to limit likes behind a key, without those that were taken back. liked is no bound: the rows are read in the order
// of the primary key.
func (s *Store) LikesAfter(ctx context.Context, after FavoriteKey, limit int) ([]Favorite, error) {
	rows, err := sqldb.Select[Favorite](s.Read.WithContext(ctx),
		"FROM favorites WHERE "+s.AfterPair("user_id", "video_id")+" AND liked + 0 = 1 ORDER BY user_id, video_id LIMIT ?",
		after.UserID, after.VideoID, after.UserID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through likes: %w", err)
	}
	return rows, nil
}

// CommentsAfter reads up to limit comments behind an id, deleted ones too, without their content.
func (s *Store) CommentsAfter(ctx context.Context, after int64, limit int) ([]Comment, error) {
	q := s.Read.WithContext(ctx).Model(&Comment{}).Select(rowColumns).Where("id > ?", after).Order("id").Limit(limit)
	rows, err := sqldb.Rows[Comment]{Query: q}.All()
	if err != nil {
		return nil, fmt.Errorf("walk through comments: %w", err)
	}
	return rows, nil
}

// CommentLikesAfter reads up to limit rows behind a key: likes that were taken back, too.
func (s *Store) CommentLikesAfter(ctx context.Context, after CommentLikeKey, limit int) ([]CommentLike, error) {
	rows, err := sqldb.Select[CommentLike](s.Read.WithContext(ctx),
		"FROM comment_likes WHERE user_id >= ? AND (user_id > ? OR comment_id > ?) ORDER BY user_id, comment_id LIMIT ?",
		after.UserID, after.UserID, after.CommentID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through likes of comments: %w", err)
	}
	return rows, nil
}
