package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/sqldb"
)

// A request for a comment may come again, with its key, while the first one is on its way: each is an event of its own with a comment of
// its own. The writer decides which of them counts, by the row of the key in the transaction that stores the comment, and drops the
// others (writeKeys). Each request is answered with the comment that counts (outcome): under backpressure, when the writer is not there
// yet, by the row that the service writes itself, and that the writer will find.

// keyOf is the key of a request for a comment; nil without one.
func keyOf(req *interaction.CreateCommentRequest) (*idempotency.Request, error) {
	key := req.GetRequestKey()
	if err := idempotency.Check(key); err != nil || key == "" {
		return nil, err
	}
	digest := idempotency.Digest(strconv.FormatInt(req.VideoId, 10), strconv.FormatInt(req.ReplyToId, 10), req.Content)
	return idempotency.New(req.VideoId, req.UserId, key, digest), nil
}

// requestOf is the request of a comment's event, which has a key.
func requestOf(e mq.Event) idempotency.Request {
	return idempotency.Request{Owner: e.VideoID, User: e.UserID, KeyHash: e.Comment.Key.Hash, Digest: e.Comment.Key.Digest}
}

// keyRow is what is to be remembered of a request with a comment.
func keyRow(r idempotency.Request, commentID int64) idempotency.Row {
	return r.Row(commentID, id.Time(commentID).UnixMilli())
}

// repeated is the answer to a request that was carried out before; nil for one that was not.
func (s *Service) repeated(
	ctx context.Context, r *idempotency.Request, req *interaction.CreateCommentRequest, content string,
) (*interaction.CreateCommentResponse, error) {
	if r == nil {
		return nil, nil
	}
	row, ok, err := s.store.Keys().Find(ctx, *r)
	if err != nil || !ok {
		return nil, err
	}
	if ok, err = row.Answers(*r, time.Now().UnixMilli()); err != nil || !ok {
		return nil, err
	}
	return s.answerOf(ctx, row.ResultID, req, content)
}

// answerOf is the answer to a request whose comment may have been stored a while ago, or is deleted meanwhile, or not stored yet: as it was
// written.
func (s *Service) answerOf(
	ctx context.Context, commentID int64, req *interaction.CreateCommentRequest, content string,
) (*interaction.CreateCommentResponse, error) {
	rows, err := s.store.CommentRows(ctx, []int64{commentID})
	if err != nil {
		return nil, err
	}
	row, stored := rows[commentID]
	if !stored || !row.Stored() {
		row = db.Comment{
			ID: commentID, VideoID: req.VideoId, UserID: req.UserId, CreatedAtMs: id.Time(commentID).UnixMilli(), ReplyToID: req.ReplyToId,
		}
		if req.ReplyToId != 0 {
			if target, err := s.commentOf(ctx, req.UserId, req.VideoId, req.ReplyToId); err == nil {
				row.RootID, row.ReplyToUserID = cmp.Or(target.RootID, target.ID), target.UserID
			}
		}
	}
	row.Content = content
	return &interaction.CreateCommentResponse{Comment: pack.Comment(row)}, nil
}

// outcome is the comment that counts for the request of an event that is in the queue. It fails with errno.OutcomeUnknown when the
// store does not tell, and with errno.IdempotencyKeyReused when the key stands for something else.
func (s *Service) outcome(ctx context.Context, e mq.Event, applied bool) (commentID int64, err error) {
	r, own := requestOf(e), e.Comment.CommentID
	if !applied {
		err := s.store.ClaimKey(ctx, keyRow(r, own))
		if err == nil {
			return own, nil
		}
		if !errors.Is(err, sqldb.ErrDuplicate) {
			return 0, fmt.Errorf("%w: claim a key: %w", errno.OutcomeUnknown, err)
		}
	}
	row, ok, err := s.store.Keys().Find(ctx, r)
	if err == nil && !ok {
		row, ok, err = s.store.Keys().FindAnywhere(ctx, r)
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errno.OutcomeUnknown, err)
	case !ok: // its video is deleted, or a writer of before keys has stored it
		return own, nil
	}
	if ok, err = row.Answers(r, e.AtMs); err != nil {
		return 0, err
	}
	if !ok { // a row of long ago, which the writer will replace
		return own, nil
	}
	return row.ResultID, nil
}

// writeKeys remembers the requests of the comments, and returns the comments but those whose request was carried out before with another
// comment: in the store, or in the batch, where the oldest counts.
func (c *change) writeKeys(tx *db.Tx) (commentIDs []int64, err error) {
	var requests []idempotency.Request
	for _, commentID := range c.commentIDs {
		if r, has := c.keys[commentID]; has {
			requests = append(requests, r)
		}
	}
	if len(requests) == 0 {
		return c.commentIDs, nil
	}
	slices.SortFunc(requests, compareRequests)
	requests = slices.Compact(requests)
	rows, err := tx.LockKeys(requests, c.anywhere)
	if err != nil {
		return nil, err
	}
	taken := make(map[[2]int64]idempotency.Row, len(requests))
	for r, row := range rows {
		taken[[2]int64{r.User, r.KeyHash}] = row
	}
	var adds, replaces []idempotency.Row
	for _, commentID := range c.commentIDs {
		r, has := c.keys[commentID]
		if !has {
			commentIDs = append(commentIDs, commentID)
			continue
		}
		row, own := keyRow(r, commentID), [2]int64{r.User, r.KeyHash}
		old, there := taken[own]
		switch {
		case there && old.ResultID != commentID && !old.Expired(row.AtMs):
			continue
		case !there:
			adds = append(adds, row)
		case old.ResultID != commentID:
			replaces = append(replaces, row)
		}
		taken[own] = row
		commentIDs = append(commentIDs, commentID)
	}
	slices.SortFunc(adds, compareKeyRows)
	if err := tx.AddKeys(adds); err != nil {
		return nil, err
	}
	return commentIDs, tx.ReplaceKeys(replaces)
}

func compareRequests(a, b idempotency.Request) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.KeyHash, b.KeyHash), cmp.Compare(a.Owner, b.Owner),
		cmp.Compare(a.Digest, b.Digest))
}

func compareKeyRows(a, b idempotency.Row) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.KeyHash, b.KeyHash))
}
