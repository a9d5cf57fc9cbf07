package v1

import (
	"cmp"
	"context"
	"slices"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/chat"
)

// ListConversations is the viewer's conversations, that with the newest message first.
func (a *API) ListConversations(ctx context.Context, in *call.Call) (any, error) {
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Chat.ListConversations(ctx, &chat.ListConversationsRequest{UserId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	conversations, err := a.view.Conversations(ctx, in.Viewer, r.Conversations)
	if err != nil {
		return nil, err
	}
	items := pack.Each(conversations, func(c *view.Conversation) *model.Conversation {
		return &model.Conversation{User: renderUser(in.Base, &c.Profile), LastMessage: renderMessage(c.LastMessage), UnreadCount: c.UnreadCount}
	})
	return &model.ConversationPage{Items: items, NextCursor: r.NextCursor}, nil
}

// The directions in which messages are read.
const (
	older = "older"
	newer = "newer"
)

// ListMessages is a page of a conversation: into the past, or from a cursor to now. Cursors are times of messages, which differ within a
// conversation.
func (a *API) ListMessages(ctx context.Context, in *call.Call) (any, error) {
	peer, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	from, err := cursor(in)
	if err != nil {
		return nil, err
	}
	ms, err := msOf(from)
	if err != nil {
		return nil, err
	}
	n, err := limit(in, defaultLimit)
	if err != nil {
		return nil, err
	}
	direction, err := query(in, "direction")
	if err != nil {
		return nil, err
	}
	switch direction {
	case older, "":
		return a.olderMessages(ctx, in.Viewer, peer, ms, n)
	case newer:
		return a.newerMessages(ctx, in.Viewer, peer, ms, n)
	}
	return nil, invalid("direction has to be older or newer")
}

// beforeAll is a time before all messages, as a place to read newer ones from.
const beforeAll = 1

// olderMessages are the newest messages before a time, or of all when that is 0, newest first.
func (a *API) olderMessages(ctx context.Context, viewer, peer, beforeMs int64, limit int32) (*model.MessagePage, error) {
	r, err := a.shared.Clients.Chat.ListMessages(ctx, &chat.ListMessagesRequest{
		UserId: viewer, PeerId: peer, BeforeMs: beforeMs, Limit: limit + 1, // one more tells whether there is another page
	})
	if err != nil {
		return nil, err
	}
	messages := r.Messages
	slices.Reverse(messages)
	out := &model.MessagePage{NewerCursor: cursorOf(max(beforeMs-1, beforeAll))}
	if len(messages) > 0 {
		out.NewerCursor = cursorOf(messages[0].CreatedAtMs)
	}
	if len(messages) > int(limit) {
		messages = messages[:limit]
		out.NextCursor = cursorOf(messages[limit-1].CreatedAtMs)
	}
	out.Items = renderMessages(messages)
	return out, nil
}

// newerMessages are the oldest messages after a time, or of all when that is 0, oldest first. Nothing new is the answer of a cache.
func (a *API) newerMessages(ctx context.Context, viewer, peer, afterMs int64, limit int32) (*model.MessagePage, error) {
	afterMs = cmp.Or(afterMs, beforeAll)
	r, err := a.shared.Clients.Chat.ListMessages(ctx, &chat.ListMessagesRequest{
		UserId: viewer, PeerId: peer, AfterMs: afterMs, Limit: limit,
	})
	if err != nil {
		return nil, err
	}
	if n := len(r.Messages); n > 0 {
		afterMs = r.Messages[n-1].CreatedAtMs
	}
	next := cursorOf(afterMs)
	return &model.MessagePage{Items: renderMessages(r.Messages), NextCursor: next, NewerCursor: next}, nil
}

// SendMessage sends a message.
func (a *API) SendMessage(ctx context.Context, in *call.Call) (any, error) {
	peer, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	var req model.SendMessageRequest
	if err = body(in, &req); err != nil {
		return nil, err
	}
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Chat.SendMessage(ctx, &chat.SendMessageRequest{
		FromUserId: in.Viewer, ToUserId: peer, Content: req.Content, RequestKey: key,
	})
	if err != nil {
		return nil, err
	}
	return renderMessage(r.Message), nil
}

// MarkRead marks the other's messages as read.
func (a *API) MarkRead(ctx context.Context, in *call.Call) (any, error) {
	peer, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	var req model.MarkReadRequest
	if err = body(in, &req); err != nil {
		return nil, err
	}
	until, err := parseUntil(req.Until)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Chat.MarkRead(ctx, &chat.MarkReadRequest{UserId: in.Viewer, PeerId: peer, UntilMs: until})
	return nil, err
}

// DeleteMessage deletes a message for the viewer alone.
func (a *API) DeleteMessage(ctx context.Context, in *call.Call) (any, error) {
	peer, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	message, err := pathID(in, "message_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Chat.DeleteMessage(ctx, &chat.DeleteMessageRequest{UserId: in.Viewer, PeerId: peer, MessageId: message})
	return nil, err
}

// DeleteConversation deletes all messages that a conversation has now, for the viewer alone.
func (a *API) DeleteConversation(ctx context.Context, in *call.Call) (any, error) {
	peer, err := pathID(in, "user_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Chat.DeleteConversation(ctx, &chat.DeleteConversationRequest{UserId: in.Viewer, PeerId: peer})
	return nil, err
}
