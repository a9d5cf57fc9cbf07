package service

import (
	"context"

	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
)

// GetTag is not built yet.
func (s *Service) GetTag(context.Context, *discovery.GetTagRequest) (*discovery.GetTagResponse, error) {
	return nil, errno.Unavailable
}

// ListTagVideos is not built yet.
func (s *Service) ListTagVideos(context.Context, *discovery.ListTagVideosRequest) (*discovery.ListTagVideosResponse, error) {
	return nil, errno.Unavailable
}

// ListTrendingTags is not built yet.
func (s *Service) ListTrendingTags(context.Context, *discovery.ListTrendingTagsRequest) (*discovery.ListTrendingTagsResponse, error) {
	return nil, errno.Unavailable
}

// AddWatches is not built yet.
func (s *Service) AddWatches(context.Context, *discovery.AddWatchesRequest) (*discovery.AddWatchesResponse, error) {
	return nil, errno.Unavailable
}

// ListHistory is not built yet.
func (s *Service) ListHistory(context.Context, *discovery.ListHistoryRequest) (*discovery.ListHistoryResponse, error) {
	return nil, errno.Unavailable
}

// DeleteHistory is not built yet.
func (s *Service) DeleteHistory(context.Context, *discovery.DeleteHistoryRequest) (*discovery.DeleteHistoryResponse, error) {
	return nil, errno.Unavailable
}

// MGetViews is not built yet.
func (s *Service) MGetViews(context.Context, *discovery.MGetViewsRequest) (*discovery.MGetViewsResponse, error) {
	return nil, errno.Unavailable
}

// GetAuthorStats is not built yet.
func (s *Service) GetAuthorStats(context.Context, *discovery.GetAuthorStatsRequest) (*discovery.GetAuthorStatsResponse, error) {
	return nil, errno.Unavailable
}

// ListVideoStats is not built yet.
func (s *Service) ListVideoStats(context.Context, *discovery.ListVideoStatsRequest) (*discovery.ListVideoStatsResponse, error) {
	return nil, errno.Unavailable
}

// MRecommend is not built yet.
func (s *Service) MRecommend(context.Context, *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
	return nil, errno.Unavailable
}
