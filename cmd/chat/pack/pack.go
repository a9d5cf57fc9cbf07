// Package pack turns rows into messages.
package pack

import (
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

// ByPeer makes one message for each peer.
func ByPeer(rows map[int64]db.Message) map[int64]*chat.Message {
	out := make(map[int64]*chat.Message, len(rows))
	for peer, m := range rows {
		out[peer] = Message(m)
	}
	return out
}
