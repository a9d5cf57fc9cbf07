package service

import (
	"context"
	"errors"

	"tiktok/cmd/chat/dal/db"
	"tiktok/kitex_gen/chat"
	"tiktok/pkg/errno"
	"tiktok/pkg/outbox"
)

// DeleteMessage deletes a message for the user alone; every list, count and poll of theirs is without it when this returns.
func (s *Service) DeleteMessage(ctx context.Context, req *chat.DeleteMessageRequest) (*chat.DeleteMessageResponse, error) {
	if req.MessageId <= 0 {
		return nil, errno.InvalidArgument.With("message id is missing")
	}
	err := s.forget(ctx, req.UserId, req.PeerId, func(told []outbox.Message) (bool, error) {
		return s.store.HideMessage(ctx, req.UserId, req.PeerId, req.MessageId, told)
	})
	if err != nil {
		return nil, err
	}
	return &chat.DeleteMessageResponse{}, nil
}

// DeleteConversation deletes all messages that there are for the user alone.
func (s *Service) DeleteConversation(ctx context.Context, req *chat.DeleteConversationRequest) (*chat.DeleteConversationResponse, error) {
	err := s.forget(ctx, req.UserId, req.PeerId, func(told []outbox.Message) (bool, error) {
		return s.store.Clear(ctx, req.UserId, req.PeerId, told)
	})
	if err != nil {
		return nil, err
	}
	return &chat.DeleteConversationResponse{}, nil
}

// forget deletes something of a user's conversation. What it may have marked as read is told to the user's other devices.
func (s *Service) forget(ctx context.Context, userID, peerID int64, remove func(told []outbox.Message) (changed bool, err error)) error {
	if userID <= 0 || peerID <= 0 {
		return errno.InvalidArgument.With("user id is missing")
	}
	told, err := tellRead(userID, peerID)
	if err != nil {
		return err
	}
	changed, err := remove(told)
	if changed || err != nil { // after an error nobody knows whether the commit was reached
		s.last.Invalidate(ctx, db.KeyOf(userID, peerID))
	}
	if errors.Is(err, db.ErrNoMessage) {
		return errno.MessageNotFound
	}
	if changed {
		s.relay.Wake()
	}
	return err
}
