package service

import (
	"context"
	"math"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/pack"
	"tiktok/kitex_gen/notice"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// maxPage is the most notices in a page.
const maxPage = 100

// ListNotices reads one page of a user's notices, newest first. It takes three statements.
func (s *Service) ListNotices(ctx context.Context, req *notice.ListNoticesRequest) (*notice.ListNoticesResponse, error) {
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
	readers, err := s.store.Readers(ctx, []int64{req.UserId})
	if err != nil {
		return nil, err
	}
	reader := readers[req.UserId]
	// One more is read, so that the last page is known as such.
	notices, err := s.store.List(ctx, reader, after, limit+1)
	if err != nil {
		return nil, err
	}
	notices, next := paging.CutAt(notices, limit, func(n db.Notice) string { return paging.Cursor(n.NewestMs, int64(n.Kind), n.SubjectID) })
	entries, err := s.newest(ctx, notices)
	if err != nil {
		return nil, err
	}
	return &notice.ListNoticesResponse{Notices: pack.Notices(reader, notices, entries), NextCursor: next}, nil
}

// newest reads the newest entries of the notices of a page. Whatever shows who did something goes through here: it is the place to leave
// out those whom the user does not want to see.
func (s *Service) newest(ctx context.Context, notices []db.Notice) (map[db.Key][]db.Entry, error) {
	keys := make([]db.Key, len(notices))
	for i, n := range notices {
		keys[i] = n.Key
	}
	return s.store.NewestEntries(ctx, keys)
}

// placeOf reads a cursor; the empty one is the beginning.
func placeOf(cursor string) (db.Place, error) {
	if cursor == "" {
		return db.Place{NewestMs: math.MaxInt64, Kind: math.MaxInt32, SubjectID: math.MaxInt64}, nil
	}
	numbers, err := paging.Numbers(cursor, 3)
	if err != nil {
		return db.Place{}, err
	}
	if numbers[0] == 0 || numbers[1] < 1 || numbers[1] > db.Kinds {
		return db.Place{}, paging.ErrCursor()
	}
	return db.Place{NewestMs: numbers[0], Kind: int(numbers[1]), SubjectID: numbers[2]}, nil
}
