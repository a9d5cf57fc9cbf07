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

// MRecommend is not built yet.
func (s *Service) MRecommend(context.Context, *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
	return nil, errno.Unavailable
}
