package service

import (
	"context"
	"math"
	"time"

	"tiktok/cmd/chat/dal/db"
	"tiktok/cmd/chat/pack"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/errno"
	"tiktok/pkg/outbox"
	"tiktok/pkg/paging"
)

// maxPage is the most conversations in a page; each has up to MAX_UNREAD messages to count.
const maxPage = 100

// ListConversations reads one page of a user's conversations, that with the newest message first.
func (s *Service) ListConversations(ctx context.Context, req *chat.ListConversationsRequest) (*chat.ListConversationsResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	limit, err := paging.Limit(req.Page.GetLimit(), maxPage, maxPage)
	if err != nil {
		return nil, err
	}
	after, err := placeOf(req.Page.GetCursor())
	if err != nil {
		return nil, err
	}
	// One more is read, so that the last page is known as such.
	entries, err := s.store.Conversations(ctx, req.UserId, after, limit+1)
	if err != nil {
		return nil, err
	}
	entries, next := paging.CutAt(entries, limit, func(e db.Entry) string {
		return paging.Cursor(e.Last.CreatedAtMs, e.Key().Peer(req.UserId))
	})
	return &chat.ListConversationsResponse{Conversations: pack.Conversations(req.UserId, entries), NextCursor: next}, nil
}

// placeOf reads a cursor; the empty one is the beginning.
func placeOf(cursor string) (p db.Place, err error) {
	if cursor == "" {
		return db.Place{LastAtMs: math.MaxInt64, PeerID: math.MaxInt64}, nil
	}
	numbers, err := paging.Numbers(cursor, 2)
	if err != nil {
		return p, err
	}
	if p.LastAtMs, p.PeerID = numbers[0], numbers[1]; p.LastAtMs == 0 || p.PeerID == 0 {
		return p, paging.ErrCursor()
	}
	return p, nil
}

// MarkRead marks the peer's messages up to a time as read.
func (s *Service) MarkRead(ctx context.Context, req *chat.MarkReadRequest) (*chat.MarkReadResponse, error) {
	if req.UserId <= 0 || req.PeerId <= 0 || req.UntilMs < 0 {
		return nil, errno.InvalidArgument.With("user id or time is not valid")
	}
	told, err := tellRead(req.UserId, req.PeerId)
	if err != nil {
		return nil, err
	}
	changed, err := s.store.MarkRead(ctx, req.UserId, req.PeerId, req.UntilMs, told)
	if err != nil {
		return nil, err
	}
	if changed {
		s.relay.Wake()
	}
	return &chat.MarkReadResponse{}, nil
}

// tellRead makes the event of a conversation that a user has read.
func tellRead(userID, peerID int64) ([]outbox.Message, error) {
	return events.Messages(event.TOPIC_MESSAGE, &event.Event{ConversationRead: &event.ConversationRead{UserId: userID, PeerId: peerID}})
}

// CountUnread counts the conversations in which the user has unread messages.
func (s *Service) CountUnread(ctx context.Context, req *chat.CountUnreadRequest) (*chat.CountUnreadResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	n, err := s.store.CountUnread(ctx, req.UserId)
	if err != nil {
		return nil, err
	}
	return &chat.CountUnreadResponse{Conversations: int32(n)}, nil //nolint:gosec // at most 100
}

const (
	// settleEvery is how often a replica looks for stale conversations: one probe of an index when there are none.
	settleEvery = 10 * time.Second
	// settlePause is the rest between two steps, so that those of a long history do not keep the store busy.
	settlePause = 50 * time.Millisecond
	// settleStep is how many conversations one step settles; their senders wait meanwhile.
	settleStep = 50
)

// settle looks at conversations of before the columns for unread messages were there, and at those that a replica of that version
// has stored messages in, until ctx ends. What is settled is not found again, so it goes on after a restart, and several replicas may
// do it.
func (s *Service) settle(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		more, err := s.settleSome(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.WarnContext(ctx, "looking for unread messages in old conversations failed", "err", err)
			wait.Reset(settleEvery)
		case more:
			wait.Reset(settlePause)
		default:
			wait.Reset(settleEvery)
		}
	}
}

// settleSome settles a step of stale conversations. more says that there were as many as it takes at once.
func (s *Service) settleSome(ctx context.Context) (more bool, err error) {
	keys, err := s.store.Stale(ctx, settleStep)
	if err != nil {
		return false, err
	}
	_, err = s.store.Settle(ctx, keys)
	return len(keys) == settleStep, err
}
