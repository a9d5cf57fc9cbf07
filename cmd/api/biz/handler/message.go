package handler

import (
	"context"
	"errors"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
)

// MessageAction sends a message.
func (h *Handler) MessageAction(ctx context.Context, in *call.Call) (any, error) {
	to, err := in.Params.ID("to_user_id")
	if err != nil {
		return nil, err
	}
	undo, err := action(in)
	if err != nil {
		return nil, err
	}
	if undo {
		return nil, errno.InvalidArgument.With("action_type is not valid")
	}
	text, err := in.Params.Text("content")
	if err != nil {
		return nil, err
	}
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	_, err = h.Clients.Chat.SendMessage(ctx, &chat.SendMessageRequest{FromUserId: in.Viewer, ToUserId: to, Content: text, RequestKey: key})
	if err != nil {
		return nil, err
	}
	return &api.MessageActionResponse{StatusMsg: pack.OK}, nil
}

// MessageChat is a conversation, oldest message first: all of it, or with pre_msg_time only what came after. The client polls
// this every second and appends what it gets. It shows its own messages at once when it sends them, so a poll with a time
// returns only the peer's: else own messages would be shown twice.
func (h *Handler) MessageChat(ctx context.Context, in *call.Call) (any, error) {
	peer, err := in.Params.ID("to_user_id")
	if err != nil {
		return nil, err
	}
	after, _, err := in.Params.Int("pre_msg_time")
	if err != nil {
		return nil, err
	}
	after = max(after, 0)
	if after == 0 {
		release, err := h.chatSlots.Acquire(ctx, in.Viewer)
		if errors.Is(err, fair.ErrBusy) { // of this user's own requests
			return nil, middleware.TooManyRequests(in.Request, time.Second)
		}
		if err != nil {
			return nil, err
		}
		defer release()
	}
	r, err := h.Clients.Chat.ListMessages(ctx, &chat.ListMessagesRequest{
		UserId: in.Viewer, PeerId: peer, AfterMs: after,
		FromPeerOnly: after > 0 && !h.EchoOwnMessages, Limit: common.MAX_BATCH,
	})
	if err != nil {
		return nil, err
	}
	return &api.MessageChatResponse{StatusMsg: pack.OK, MessageList: pack.Messages(r.Messages)}, nil
}
