package service

import (
	"context"
	"fmt"

	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
)

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

func (s *Service) loadAuthors(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	resp, err := s.peers.Videos.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: videoIDs})
	if err != nil {
		return nil, err
	}
	authors := make(map[int64]int64, len(resp.Videos))
	for id, v := range resp.Videos {
		authors[id] = v.AuthorId
	}
	return authors, nil
}
