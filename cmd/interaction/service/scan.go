package service

import (
	"context"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
)

// ScanLikes reads all likes of videos that are stored, page by page, past the caches: it is for who keeps a copy. Pending ones are left
// out: they are told of when they are stored.
func (s *Service) ScanLikes(ctx context.Context, req *interaction.ScanLikesRequest) (*interaction.ScanLikesResponse, error) {
	if req.AfterUserId < 0 || req.AfterVideoId < 0 || req.Limit < 1 || req.Limit > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("id or page size is out of range")
	}
	rows, err := s.store.LikesAfter(ctx, db.FavoriteKey{UserID: req.AfterUserId, VideoID: req.AfterVideoId}, int(req.Limit))
	if err != nil {
		return nil, err
	}
	likes := make([]*interaction.Liking, len(rows))
	for i, r := range rows {
		likes[i] = &interaction.Liking{UserId: r.UserID, VideoId: r.VideoID, AtMs: id.Time(r.LikedEvent).UnixMilli()}
	}
	return &interaction.ScanLikesResponse{Likes: likes}, nil
}
