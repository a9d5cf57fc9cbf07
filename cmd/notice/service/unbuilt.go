package service

import (
	"context"

	"tiktok/kitex_gen/notice"
	"tiktok/pkg/errno"
)

// ListNotices is not built yet.
func (s *Service) ListNotices(context.Context, *notice.ListNoticesRequest) (*notice.ListNoticesResponse, error) {
	return nil, errno.Unavailable
}

// CountUnread is not built yet.
func (s *Service) CountUnread(context.Context, *notice.CountUnreadRequest) (*notice.CountUnreadResponse, error) {
	return nil, errno.Unavailable
}

// MarkRead is not built yet.
func (s *Service) MarkRead(context.Context, *notice.MarkReadRequest) (*notice.MarkReadResponse, error) {
	return nil, errno.Unavailable
}

// GetPreferences is not built yet.
func (s *Service) GetPreferences(context.Context, *notice.GetPreferencesRequest) (*notice.GetPreferencesResponse, error) {
	return nil, errno.Unavailable
}

// SetPreferences is not built yet.
func (s *Service) SetPreferences(context.Context, *notice.SetPreferencesRequest) (*notice.SetPreferencesResponse, error) {
	return nil, errno.Unavailable
}

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
