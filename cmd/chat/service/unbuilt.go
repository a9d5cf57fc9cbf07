package service

import (
	"context"

	"tiktok/kitex_gen/chat"
	"tiktok/pkg/errno"
)

// DeleteMessage is not built yet.
func (s *Service) DeleteMessage(context.Context, *chat.DeleteMessageRequest) (*chat.DeleteMessageResponse, error) {
	return nil, errno.Unavailable
}

// DeleteConversation is not built yet.
func (s *Service) DeleteConversation(context.Context, *chat.DeleteConversationRequest) (*chat.DeleteConversationResponse, error) {
	return nil, errno.Unavailable
}
