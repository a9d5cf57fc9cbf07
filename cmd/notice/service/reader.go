package service

import (
	"context"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/pack"
	"tiktok/kitex_gen/notice"
	"tiktok/pkg/errno"
)

// loadUnread counts what users have not read, in two statements.
func (s *Service) loadUnread(ctx context.Context, userIDs []int64) (map[int64]int, error) {
	readers, err := s.store.Readers(ctx, userIDs)
	if err != nil {
		return nil, err
	}
	return s.store.CountUnread(ctx, readers)
}

// CountUnread counts a user's unread notices.
func (s *Service) CountUnread(ctx context.Context, req *notice.CountUnreadRequest) (*notice.CountUnreadResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	counts, err := s.unread.GetMulti(ctx, []int64{req.UserId})
	if err != nil {
		return nil, err
	}
	return &notice.CountUnreadResponse{Notices: int32(counts[req.UserId])}, nil //nolint:gosec // at most 100
}

// MarkRead moves the mark up to which notices are read. The user's other devices hear of it when there was something unread.
func (s *Service) MarkRead(ctx context.Context, req *notice.MarkReadRequest) (*notice.MarkReadResponse, error) {
	if req.UserId <= 0 || req.UntilMs < 0 {
		return nil, errno.InvalidArgument.With("user id or time is not valid")
	}
	before, err := s.unread.GetMulti(ctx, []int64{req.UserId})
	if err != nil {
		return nil, err
	}
	err = s.store.MarkRead(ctx, req.UserId, min(req.UntilMs, s.now().UnixMilli()))
	s.unread.Invalidate(ctx, req.UserId) // also after an error: the commit may have happened
	if err != nil {
		return nil, err
	}
	s.browsers.Forget(req.UserId)
	if before[req.UserId] > 0 {
		s.send(ctx, []notice.Hint{{UserId: req.UserId, Kind: "notice"}})
	}
	return &notice.MarkReadResponse{}, nil
}

// GetPreferences reads which kinds a user has muted.
func (s *Service) GetPreferences(ctx context.Context, req *notice.GetPreferencesRequest) (*notice.GetPreferencesResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	readers, err := s.store.Readers(ctx, []int64{req.UserId})
	if err != nil {
		return nil, err
	}
	return &notice.GetPreferencesResponse{Muted: pack.Muted(readers[req.UserId])}, nil
}

// SetPreferences replaces which kinds a user has muted.
func (s *Service) SetPreferences(ctx context.Context, req *notice.SetPreferencesRequest) (*notice.SetPreferencesResponse, error) {
	if req.UserId <= 0 {
		return nil, errno.InvalidArgument.With("user id is missing")
	}
	muted := int64(0)
	for _, kind := range req.Muted {
		if kind < 1 || kind > db.Kinds {
			return nil, errno.InvalidArgument.With("there is no such kind of notices")
		}
		muted |= 1 << kind
	}
	err := s.store.Mute(ctx, req.UserId, muted)
	s.unread.Invalidate(ctx, req.UserId) // also after an error: the commit may have happened
	if err != nil {
		return nil, err
	}
	return &notice.SetPreferencesResponse{}, nil
}
