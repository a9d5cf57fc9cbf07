package service

import (
	"context"
	"fmt"

	"tiktok/kitex_gen/video"
	"tiktok/pkg/queue"
)

// forget takes away the likes and comments of deleted videos. The end of ctx stops it between two steps, with an error:
// the events come again, here or elsewhere, and what is done is found done.
func (s *Service) forget(ctx context.Context, events []video.VideoDeleted) error {
	ids := make([]int64, len(events))
	for i, e := range events {
		if e.VideoId <= 0 || e.AuthorId <= 0 {
			return fmt.Errorf("%w: deletion of video %d of author %d", queue.ErrPoison, e.VideoId, e.AuthorId)
		}
		ids[i] = e.VideoId
	}
	// The video service does not know them any more: from here on this process refuses likes and comments of them.
	s.authors.Invalidate(ctx, ids...)
	for _, e := range events {
		err := s.store.ForgetVideo(ctx, e.VideoId, e.AuthorId, tell(), func(users []int64) {
			s.relay.Wake()
			s.invalidate(ctx, []int64{e.VideoId}, users, users)
		})
		if err != nil {
			return fmt.Errorf("forget video %d: %w", e.VideoId, err)
		}
	}
	return nil
}
