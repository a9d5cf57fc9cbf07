package service

import (
	"context"

	"tiktok/kitex_gen/notice"
	"tiktok/pkg/errno"
)

// GetPushKey is not built yet.
func (s *Service) GetPushKey(context.Context, *notice.GetPushKeyRequest) (*notice.GetPushKeyResponse, error) {
	return nil, errno.Unavailable
}

// Subscribe is not built yet.
func (s *Service) Subscribe(context.Context, *notice.SubscribeRequest) (*notice.SubscribeResponse, error) {
	return nil, errno.Unavailable
}

// Unsubscribe is not built yet.
func (s *Service) Unsubscribe(context.Context, *notice.UnsubscribeRequest) (*notice.UnsubscribeResponse, error) {
	return nil, errno.Unavailable
}
