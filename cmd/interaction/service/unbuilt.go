package service

import (
	"context"

	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
)

// LikeComment is not built yet.
func (s *Service) LikeComment(context.Context, *interaction.LikeCommentRequest) (*interaction.LikeCommentResponse, error) {
	return nil, errno.Unavailable
}

// UnlikeComment is not built yet.
func (s *Service) UnlikeComment(context.Context, *interaction.UnlikeCommentRequest) (*interaction.UnlikeCommentResponse, error) {
	return nil, errno.Unavailable
}

// PinComment is not built yet.
func (s *Service) PinComment(context.Context, *interaction.PinCommentRequest) (*interaction.PinCommentResponse, error) {
	return nil, errno.Unavailable
}

// ListThreads is not built yet.
func (s *Service) ListThreads(context.Context, *interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
	return nil, errno.Unavailable
}

// ListReplies is not built yet.
func (s *Service) ListReplies(context.Context, *interaction.ListRepliesRequest) (*interaction.ListRepliesResponse, error) {
	return nil, errno.Unavailable
}

// MGetComments is not built yet.
func (s *Service) MGetComments(context.Context, *interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error) {
	return nil, errno.Unavailable
}
