package service

import (
	"context"
	"fmt"
	"time"

	"tiktok/pkg/errno"
)

// authorTTL bounds how long a process that does not hear of a deletion accepts likes and comments for nothing: the writer does not store
// what belongs to a deleted video.
const authorTTL = 10 * time.Second

// authorOf tells who published a video. It fails with VideoNotFound. Callers who ask at the same time share one call of
// the video service, and its answer is good for a few seconds. The replica that hears of a deletion forgets it at once;
// what another one accepts meanwhile for a video that is gone is dropped by the writer.
func (s *Service) authorOf(ctx context.Context, videoID int64) (int64, error) {
	authors, err := s.authors.GetMulti(ctx, []int64{videoID})
	if err != nil {
		return 0, fmt.Errorf("read video %d: %w", videoID, err)
	}
	author, ok := authors[videoID]
	if !ok {
		return 0, errno.VideoNotFound
	}
	return author, nil
}
