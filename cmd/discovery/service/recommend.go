package service

import (
	"context"

	"tiktok/kitex_gen/discovery"
)

// MRecommend chooses videos for pages of feeds: see package feed.
func (s *Service) MRecommend(ctx context.Context, req *discovery.MRecommendRequest) (*discovery.MRecommendResponse, error) {
	answers, err := s.feeds.Recommend(ctx, req.Queries)
	if err != nil {
		return nil, err
	}
	return &discovery.MRecommendResponse{Answers: answers}, nil
}
