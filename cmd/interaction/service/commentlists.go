package service

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// ListComments reads one page of all of a video's comments, answers among them, as the viewer sees them. It does not look up
// what is pinned and liked.
func (s *Service) ListComments(ctx context.Context, req *interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
	before, limit, err := s.commentPage(ctx, req.VideoId, req.Page)
	if err != nil {
		return nil, err
	}
	resp := &interaction.ListCommentsResponse{}
	err = s.view(ctx, req.ViewerId, req.VideoId, req.Page, func(v *view) error {
		rows, err := v.list(limit+1, func(last *db.Comment, n int) ([]db.Comment, error) {
			return v.at.ListComments(ctx, req.VideoId, below(before, last), n)
		}, func(c db.Comment) bool { return c.ID < before }, newestFirst)
		if err != nil {
			return err
		}
		rows, resp.NextCursor = paging.Cut(rows, limit, idOf)
		for i, row := range rows {
			rows[i].ReplyCount += v.o.replies[userComment{v.viewer, row.ID}]
		}
		resp.Comments = pack.Comments(rows)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list comments of video %d: %w", req.VideoId, err)
	}
	return resp, nil
}

// ListThreads reads one page of the comments that begin a thread, as the viewer sees them.
//
// By likes, the place of a comment is that of its stored like_count: a like that the viewer has pending shows in the number alone,
// else the page would not know where to go on.
func (s *Service) ListThreads(ctx context.Context, req *interaction.ListThreadsRequest) (*interaction.ListThreadsResponse, error) {
	order, err := orderOf(req)
	if err != nil {
		return nil, err
	}
	if _, err := s.authorOf(ctx, req.VideoId); err != nil {
		return nil, err
	}
	resp := &interaction.ListThreadsResponse{}
	err = s.view(ctx, req.ViewerId, req.VideoId, req.Page, func(v *view) error {
		pinned, err := v.pin(ctx, s)
		if err != nil {
			return err
		}
		var page []db.Comment
		if order.first && pinned != 0 {
			row, ok, err := v.full(ctx, pinned)
			if err != nil {
				return err
			}
			if ok {
				page = append(page, row)
			}
		}
		first := len(page) > 0
		if pinned != 0 {
			v.deletions++ // one more that does not show
		}
		room := order.limit - len(page)
		rows, err := v.list(room+1, func(last *db.Comment, n int) ([]db.Comment, error) {
			return order.read(ctx, v, last, n)
		}, func(c db.Comment) bool { return c.RootID == 0 && c.ID != pinned && order.contains(c) }, order.compare)
		if err != nil {
			return err
		}
		if len(rows) > room {
			rows, resp.NextCursor = rows[:room], order.cursor(order.after)
			if room > 0 {
				resp.NextCursor = order.cursor(db.Top{Likes: rows[room-1].LikeCount, ID: rows[room-1].ID})
			}
		}
		if resp.Comments, err = v.pack(ctx, s, append(page, rows...)); err != nil {
			return err
		}
		if first {
			resp.Comments[0].Pinned = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list threads of video %d: %w", req.VideoId, err)
	}
	return resp, nil
}

// ListReplies reads one page of a thread's answers, as the viewer sees them.
func (s *Service) ListReplies(ctx context.Context, req *interaction.ListRepliesRequest) (*interaction.ListRepliesResponse, error) {
	if err := positive(req.CommentId); err != nil {
		return nil, err
	}
	after, limit, err := s.commentPage(ctx, req.VideoId, req.Page)
	if err != nil {
		return nil, err
	}
	if after == math.MaxInt64 { // the first page
		after = 0
	}
	resp := &interaction.ListRepliesResponse{}
	err = s.view(ctx, req.ViewerId, req.VideoId, req.Page, func(v *view) error {
		if _, ok, err := v.root(ctx, req.CommentId); err != nil {
			return err
		} else if !ok {
			return errno.CommentNotFound
		}
		rows, err := v.list(limit+1, func(last *db.Comment, n int) ([]db.Comment, error) {
			from := after
			if last != nil {
				from = last.ID
			}
			return v.at.ListReplies(ctx, req.VideoId, req.CommentId, from, n)
		}, func(c db.Comment) bool { return c.RootID == req.CommentId && c.ID > after }, oldestFirst)
		if err != nil {
			return err
		}
		rows, resp.NextCursor = paging.Cut(rows, limit, idOf)
		resp.Comments, err = v.pack(ctx, s, rows)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list answers to comment %d: %w", req.CommentId, err)
	}
	return resp, nil
}

// MGetComments reads comments as everybody sees them.
func (s *Service) MGetComments(ctx context.Context, req *interaction.MGetCommentsRequest) (*interaction.MGetCommentsResponse, error) {
	ids, err := paging.IDs(req.CommentIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.FullComments(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	videos := map[int64]bool{}
	for _, row := range rows {
		if row.RootID == 0 {
			videos[row.VideoID] = true
		}
	}
	pins, err := s.store.PinRows(ctx, slices.Collect(maps.Keys(videos)))
	if err != nil {
		return nil, fmt.Errorf("read what is pinned: %w", err)
	}
	resp := &interaction.MGetCommentsResponse{Comments: make(map[int64]*interaction.Comment, len(rows))}
	for id, row := range rows {
		c := pack.Comment(row)
		c.Pinned = row.RootID == 0 && pins[row.VideoID].CommentID == id
		resp.Comments[id] = c
	}
	return resp, nil
}

// commentPage checks what pages of a video's comments have in common.
func (s *Service) commentPage(ctx context.Context, videoID int64, page *common.Page) (cursor int64, limit int, err error) {
	if err := positive(videoID); err != nil {
		return 0, 0, err
	}
	cursor, limit, err = paging.Page(page, common.MAX_BATCH)
	if err != nil {
		return 0, 0, err
	}
	_, err = s.authorOf(ctx, videoID)
	return cursor, limit, err
}

func idOf(c db.Comment) int64 { return c.ID }

// below is the id of last, or before when there is none.
func below(before int64, last *db.Comment) int64 {
	if last == nil {
		return before
	}
	return last.ID
}

// threadOrder is a sort of threads, and the page of it that is asked for.
type threadOrder struct {
	// after is the place that the page is behind. By newest its Likes are the greatest number.
	after   db.Top
	limit   int
	first   bool
	byLikes bool
}

// orderOf reads the request. A cursor is an id, or likes and id with a dash between: of the last comment of the page before, or of
// no comment when that page had room for the pinned one alone.
func orderOf(req *interaction.ListThreadsRequest) (o threadOrder, err error) {
	if err := positive(req.VideoId); err != nil {
		return o, err
	}
	switch req.Sort {
	case interaction.CommentSort_NEWEST:
	case interaction.CommentSort_TOP:
		o.byLikes = true
	default:
		return o, errno.InvalidArgument.With("sort is not known")
	}
	o.after = db.First()
	cursor := ""
	if req.Page != nil {
		cursor = req.Page.Cursor
	}
	if o.first = cursor == ""; !o.byLikes || o.first {
		o.after.ID, o.limit, err = paging.Page(req.Page, common.MAX_BATCH)
		return o, err
	}
	if o.limit, err = paging.Limit(req.Page.Limit, common.MAX_BATCH, common.MAX_BATCH); err != nil {
		return o, err
	}
	numbers, err := paging.Numbers(cursor, 2)
	if err != nil {
		return o, err
	}
	if o.after.Likes, o.after.ID = numbers[0], numbers[1]; o.after.ID == 0 {
		return o, paging.ErrCursor()
	}
	return o, nil
}

func (o threadOrder) cursor(at db.Top) string {
	if o.byLikes {
		return paging.Cursor(at.Likes, at.ID)
	}
	return paging.Cursor(at.ID)
}

func (o threadOrder) read(ctx context.Context, v *view, last *db.Comment, n int) ([]db.Comment, error) {
	if !o.byLikes {
		return v.at.ListThreads(ctx, v.videoID, below(o.after.ID, last), n)
	}
	after := o.after
	if last != nil {
		after = db.Top{Likes: last.LikeCount, ID: last.ID}
	}
	return v.at.TopThreads(ctx, v.videoID, after, n)
}

// contains reports whether a comment is behind the place.
func (o threadOrder) contains(c db.Comment) bool {
	if o.byLikes {
		return o.after.Before(c)
	}
	return c.ID < o.after.ID
}

func (o threadOrder) compare(a, b db.Comment) int {
	if o.byLikes {
		return topFirst(a, b)
	}
	return newestFirst(a, b)
}
