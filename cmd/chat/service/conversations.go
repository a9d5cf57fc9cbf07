package service

import (
	"context"

	"tiktok/kitex_gen/chat"
	"tiktok/pkg/errno"
)

// ListConversations reads one page of a user's conversations.
func (s *Service) ListConversations(context.Context, *chat.ListConversationsRequest) (*chat.ListConversationsResponse, error) {
	return nil, errno.Unavailable
}

// MarkRead marks messages as read.
func (s *Service) MarkRead(context.Context, *chat.MarkReadRequest) (*chat.MarkReadResponse, error) {
	return nil, errno.Unavailable
}

// CountUnread counts conversations with unread messages.
func (s *Service) CountUnread(context.Context, *chat.CountUnreadRequest) (*chat.CountUnreadResponse, error) {
	return nil, errno.Unavailable
}
