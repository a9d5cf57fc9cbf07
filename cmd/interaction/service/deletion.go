package service

import (
	"context"
	"fmt"

	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
)

// deletedVideo is a video that the video service has deleted.
type deletedVideo struct{ videoID, authorID int64 }

func (d deletedVideo) valid() bool { return d.videoID > 0 && d.authorID > 0 }

// hear forgets the videos whose deletion the bus tells of; all else that it tells is not for this service. Repetitions do no harm.
func (s *Service) hear(ctx context.Context, messages []outbox.Message) error {
	var gone []deletedVideo
	for _, m := range messages {
		decoded, err := events.Decode(m)
		if err != nil {
			return err
		}
		for _, e := range decoded {
			if e.VideoDeleted == nil {
				continue
			}
			d := deletedVideo{e.VideoDeleted.VideoId, e.VideoDeleted.AuthorId}
			if !d.valid() {
				return fmt.Errorf("%w: deletion of video %d of author %d", outbox.ErrPoison, d.videoID, d.authorID)
			}
			gone = append(gone, d)
		}
	}
	return s.forget(ctx, gone)
}

// hearFormer forgets the videos of which a video service of before there was a bus has told, through a queue of its own.
func (s *Service) hearFormer(ctx context.Context, deleted []video.VideoDeleted) error {
	gone := make([]deletedVideo, len(deleted))
	for i, e := range deleted {
		if gone[i] = (deletedVideo{e.VideoId, e.AuthorId}); !gone[i].valid() {
			return fmt.Errorf("%w: deletion of video %d of author %d", queue.ErrPoison, e.VideoId, e.AuthorId)
		}
	}
	return s.forget(ctx, gone)
}

// forget takes away the likes and comments of deleted videos. The end of ctx stops it between two steps, with an error:
// the deletions come again, here or elsewhere, and what is done is found done.
func (s *Service) forget(ctx context.Context, gone []deletedVideo) error {
	if len(gone) == 0 {
		return nil
	}
	ids := make([]int64, len(gone))
	for i, d := range gone {
		ids[i] = d.videoID
	}
	// The video service does not know them any more: from here on this process refuses likes and comments of them.
	s.authors.Invalidate(ctx, ids...)
	for _, d := range gone {
		err := s.store.ForgetVideo(ctx, d.videoID, d.authorID, tell(), func(users []int64) {
			s.relay.Wake()
			s.invalidate(ctx, []int64{d.videoID}, users, users)
		})
		if err != nil {
			return fmt.Errorf("forget video %d: %w", d.videoID, err)
		}
	}
	return nil
}
