package service

import (
	"context"

	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/pack"
	"tiktok/cmd/internal/accounts"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
	"tiktok/pkg/text"
)

// maxContent is the longest message in characters; the column holds as many.
const maxContent = 1000

// SendMessage stores a message. It is durable and visible to both sides when this returns.
func (s *Service) SendMessage(ctx context.Context, req *chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
	content, err := text.Rule{What: "message", Max: maxContent, Lines: true}.Clean(req.Content)
	if err != nil {
		return nil, err
	}
	content, ok := s.words.Apply(content)
	if !ok {
		return nil, errno.MessageRefused
	}
	if err := accounts.CheckPair(ctx, s.peers.Users, s.log, req.FromUserId, req.ToUserId, errno.ChatSelf); err != nil {
		return nil, err
	}
	m, err := s.store.Append(ctx, s.ids.Next(), req.FromUserId, req.ToUserId, content, s.now().UnixMilli())
	// Also after an error: nobody knows whether the commit was reached.
	s.last.Invalidate(ctx, db.KeyOf(req.FromUserId, req.ToUserId))
	if err != nil {
		return nil, err
	}
	s.stored.Inc()
	return &chat.SendMessageResponse{Message: pack.Message(m)}, nil
}

// ListMessages reads a conversation in one statement, or none when the cache knows that nothing is new; there is none with
// somebody who does not exist.
func (s *Service) ListMessages(ctx context.Context, req *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
	if req.UserId <= 0 || req.PeerId <= 0 || req.AfterMs < 0 || req.BeforeMs < 0 || req.AfterMs > 0 && req.BeforeMs > 0 {
		return nil, errno.InvalidArgument.With("user id or time is not valid")
	}
	limit, err := paging.Limit(req.Limit, common.MAX_BATCH, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	from := int64(0)
	if req.FromPeerOnly {
		from = req.PeerId
	}
	rows, err := s.read(ctx, req, from, limit)
	if err != nil {
		return nil, err
	}
	result := "nothing"
	if len(rows) > 0 {
		result = "new"
	}
	s.polls.WithLabelValues(result).Inc()
	return &chat.ListMessagesResponse{Messages: pack.Messages(rows)}, nil
}

func (s *Service) read(ctx context.Context, req *chat.ListMessagesRequest, from int64, limit int) ([]db.Message, error) {
	if req.BeforeMs > 0 {
		return s.store.Before(ctx, req.UserId, req.PeerId, from, req.BeforeMs, limit)
	}
	if req.AfterMs == 0 {
		return s.store.Latest(ctx, req.UserId, req.PeerId, from, limit)
	}
	key := db.KeyOf(req.UserId, req.PeerId)
	last, err := s.last.GetMulti(ctx, []db.Key{key})
	if err != nil {
		return nil, err
	}
	if last[key].CreatedAtMs <= req.AfterMs {
		return nil, nil
	}
	return s.store.After(ctx, req.UserId, req.PeerId, from, req.AfterMs, limit)
}

// loadLast fills the cache of newest messages.
func (s *Service) loadLast(ctx context.Context, keys []db.Key) (map[db.Key]cache.Last, error) {
	messages, err := s.store.MGetLast(ctx, keys)
	if err != nil {
		return nil, err
	}
	last := make(map[db.Key]cache.Last, len(messages))
	for key, m := range messages {
		last[key] = cache.Last{Message: m}
	}
	return last, nil
}

// MGetLastMessages reads the newest message with each peer.
func (s *Service) MGetLastMessages(ctx context.Context, req *chat.MGetLastMessagesRequest) (*chat.MGetLastMessagesResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	peers, err := paging.IDs(req.PeerIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	keys := make([]db.Key, len(peers))
	for i, peer := range peers {
		keys[i] = db.KeyOf(req.UserId, peer)
	}
	last, err := s.last.GetMulti(ctx, keys)
	if err != nil {
		return nil, err
	}
	return &chat.MGetLastMessagesResponse{Messages: pack.ByPeer(req.UserId, last)}, nil
}
