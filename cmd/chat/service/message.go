package service

import (
	"context"
	"strconv"

	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/pack"
	"tiktok/cmd/internal/accounts"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/errno"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/outbox"
	"tiktok/pkg/paging"
	"tiktok/pkg/text"
)

// maxContent is the longest message in characters; the column holds as many.
const maxContent = 1000

// SendMessage stores a message. It is durable and visible to both sides when this returns.
func (s *Service) SendMessage(ctx context.Context, req *chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
	if err := idempotency.Check(req.GetRequestKey()); err != nil {
		return nil, err
	}
	content, err := text.Rule{What: "message", Max: maxContent, Lines: true}.Clean(req.Content)
	if err != nil {
		return nil, err
	}
	content, ok := s.words.Apply(content)
	if !ok {
		return nil, errno.MessageRefused
	}
	if err := s.mayWrite(ctx, req.FromUserId, req.ToUserId); err != nil {
		return nil, err
	}
	n, err := s.ids.Next()
	if err != nil {
		return nil, err
	}
	m, repeated, err := s.store.Append(ctx, n, req.FromUserId, req.ToUserId, content, s.now().UnixMilli(), keyOf(req), tellSent)
	// Also after an error: nobody knows whether the commit was reached.
	s.last.Invalidate(ctx, db.KeyOf(req.FromUserId, req.ToUserId))
	if err != nil {
		return nil, err
	}
	if !repeated {
		s.stored.Inc()
		s.relay.Wake()
	}
	return &chat.SendMessageResponse{Message: pack.Message(m)}, nil
}

// keyOf is the key of a request for a message, nil without one.
func keyOf(req *chat.SendMessageRequest) *idempotency.Request {
	if req.GetRequestKey() == "" {
		return nil
	}
	digest := idempotency.Digest(strconv.FormatInt(req.ToUserId, 10), req.Content)
	return idempotency.New(min(req.FromUserId, req.ToUserId), req.FromUserId, req.GetRequestKey(), digest)
}

// mayWrite fails unless a user may send another one messages. Whatever else may forbid it is asked here.
func (s *Service) mayWrite(ctx context.Context, from, to int64) error {
	return accounts.CheckPair(ctx, s.peers.Users, s.log, from, to, errno.ChatSelf)
}

// tellSent makes the event of a message.
func tellSent(m db.Message) ([]outbox.Message, error) {
	return events.Messages(event.TOPIC_MESSAGE, &event.Event{MessageSent: &event.MessageSent{
		MessageId: m.ID, FromUserId: m.FromUserID, ToUserId: m.ToUserID(), CreatedAtMs: m.CreatedAtMs,
	}})
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
	if seen, ok := last[key].For(key, req.UserId); !ok || seen.CreatedAtMs <= req.AfterMs {
		return nil, nil
	}
	return s.store.After(ctx, req.UserId, req.PeerId, from, req.AfterMs, limit)
}

// loadLast fills the cache of newest messages.
func (s *Service) loadLast(ctx context.Context, keys []db.Key) (map[db.Key]cache.Last, error) {
	newest, err := s.store.MGetNewest(ctx, keys)
	if err != nil {
		return nil, err
	}
	last := make(map[db.Key]cache.Last, len(newest))
	for key, n := range newest {
		last[key] = cache.Last{Newest: n}
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
