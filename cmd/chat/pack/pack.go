// Package pack turns rows into messages.
package pack

import (
	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/kitex_gen/chat"
)

// Message makes one message.
func Message(m db.Message) *chat.Message {
	return &chat.Message{Id: m.ID, FromUserId: m.FromUserID, ToUserId: m.ToUserID(), Content: m.Content, CreatedAtMs: m.CreatedAtMs}
}

// Messages keeps the order; never nil.
func Messages(rows []db.Message) []*chat.Message {
	out := make([]*chat.Message, len(rows))
	for i, m := range rows {
		out[i] = Message(m)
	}
	return out
}

// ByPeer makes one message for each peer of a user, of those in which the user sees any.
func ByPeer(userID int64, last map[db.Key]cache.Last) map[int64]*chat.Message {
	out := make(map[int64]*chat.Message, len(last))
	for key, m := range last {
		if seen, ok := m.For(key, userID); ok {
			out[key.Peer(userID)] = Message(seen)
		}
	}
	return out
}

// Conversations are a user's conversations, in the same order; never nil.
func Conversations(userID int64, entries []db.Entry) []*chat.Conversation {
	out := make([]*chat.Conversation, len(entries))
	for i, e := range entries {
		out[i] = &chat.Conversation{
			PeerId: e.Key().Peer(userID), LastMessage: Message(e.Last), UnreadCount: int32(e.Unread), //nolint:gosec // at most 100
			ReadUntilMs: e.ReadUntilMs(userID),
		}
	}
	return out
}
