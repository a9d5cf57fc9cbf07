package service

import (
	"context"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// maxDays is how many days GetAuthorStats answers at most.
const maxDays = 366

// GetAuthorStats implements the generated interface.
func (s *Service) GetAuthorStats(ctx context.Context, req *discovery.GetAuthorStatsRequest) (*discovery.GetAuthorStatsResponse, error) {
	if err := positive(req.AuthorId); err != nil {
		return nil, err
	}
	if req.Days < 1 || req.Days > maxDays {
		return nil, errno.InvalidArgument.With("days must be 1 to 366")
	}
	today := db.Day(s.now().UnixMilli())
	first := today - int64(req.Days) + 1
	rows, err := s.behind().AuthorDays(ctx, req.AuthorId, first, today)
	if err != nil {
		return nil, err
	}
	days := make([]*discovery.DayStats, req.Days)
	for i := range days {
		days[i] = &discovery.DayStats{Day: int32(first) + int32(i)}
	}
	for _, r := range rows {
		d := days[r.Day-first]
		// A like that was taken back on a day without any other never shows as less than none.
		d.Views, d.Finishes, d.Likes, d.Followers = r.Views, r.Finishes, max(0, r.Likes), max(0, r.Followers)
	}
	return &discovery.GetAuthorStatsResponse{Days: days}, nil
}

// ListVideoStats implements the generated interface.
func (s *Service) ListVideoStats(ctx context.Context, req *discovery.ListVideoStatsRequest) (*discovery.ListVideoStatsResponse, error) {
	if err := positive(req.AuthorId); err != nil {
		return nil, err
	}
	published, videoID, limit, err := place(req.Page)
	if err != nil {
		return nil, err
	}
	rows, err := s.behind().AuthorVideos(ctx, req.AuthorId, db.Place{PublishedMs: published, VideoID: videoID}, limit+1)
	if err != nil {
		return nil, err
	}
	rows, next := paging.CutAt(rows, limit, func(v db.AuthorVideo) string { return paging.Cursor(v.PublishedMs, v.ID) })
	resp := &discovery.ListVideoStatsResponse{NextCursor: next, Videos: make([]*discovery.VideoStats, len(rows))}
	for i, v := range rows {
		resp.Videos[i] = &discovery.VideoStats{VideoId: v.ID, Views: v.Views, Finishes: v.Finishes, WatchedMs: v.WatchedMs}
	}
	return resp, nil
}
