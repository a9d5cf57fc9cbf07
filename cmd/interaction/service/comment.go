package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/text"
)

// CreateComment adds a comment. Its id and time are given here, so the answer is final before the row is stored.
func (s *Service) CreateComment(ctx context.Context, req *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
	if err := positive(req.UserId, req.VideoId); err != nil {
		return nil, err
	}
	mentions, err := mentioned(req)
	if err != nil {
		return nil, err
	}
	content, err := s.moderated(req.Content)
	if err != nil {
		return nil, err
	}
	key, err := keyOf(req)
	if err != nil {
		return nil, err
	}
	if first, err := s.repeated(ctx, key, req, content); first != nil || err != nil {
		return first, err
	}
	author, err := s.authorOf(ctx, req.VideoId)
	if err != nil {
		return nil, err
	}
	comment := mq.CommentEvent{Content: content, Mentions: mentions}
	if key != nil {
		comment.Key = &mq.RequestKey{Hash: key.KeyHash, Digest: key.Digest}
	}
	if req.ReplyToId != 0 {
		target, err := s.commentOf(ctx, req.UserId, req.VideoId, req.ReplyToId)
		if err != nil {
			return nil, err
		}
		comment.RootID, comment.ReplyToID, comment.ReplyToUserID = cmp.Or(target.RootID, target.ID), target.ID, target.UserID
		s.ids.Observe(target.ID) // the answer's id is higher, whatever the clocks say
	}
	e, err := s.event(req.UserId, req.VideoId, author)
	if err != nil {
		return nil, err
	}
	comment.CommentID, e.Comment = e.ID, &comment
	commentID, err := s.publish(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("comment on video %d: %w", req.VideoId, err)
	}
	if commentID != e.ID {
		return s.answerOf(ctx, commentID, req, content)
	}
	return &interaction.CreateCommentResponse{Comment: pack.Comment(commentRow(e))}, nil
}

// mentioned are the users whom a comment mentions, each once, without its author.
func mentioned(req *interaction.CreateCommentRequest) ([]int64, error) {
	if len(req.MentionedUserIds) > mq.MaxMentions {
		return nil, errno.InvalidArgument.With("too many users are mentioned")
	}
	if err := positive(req.MentionedUserIds...); err != nil {
		return nil, err
	}
	var users []int64
	for _, id := range req.MentionedUserIds {
		if id != req.UserId && !slices.Contains(users, id) {
			users = append(users, id)
		}
	}
	return users, nil
}

// commentOf is a comment of a video that is not deleted, as the user sees it. It fails with CommentNotFound.
func (s *Service) commentOf(ctx context.Context, userID, videoID, commentID int64) (db.Comment, error) {
	if err := positive(commentID); err != nil {
		return db.Comment{}, err
	}
	row, ok, err := s.comment(ctx, userID, commentID)
	switch {
	case err != nil:
		return row, fmt.Errorf("read comment %d: %w", commentID, err)
	case !ok, row.VideoID != videoID:
		return row, errno.CommentNotFound
	}
	return row, nil
}

// DeleteComment deletes the user's own comment, also one that is not stored yet.
func (s *Service) DeleteComment(ctx context.Context, req *interaction.DeleteCommentRequest) (*interaction.DeleteCommentResponse, error) {
	if err := positive(req.UserId, req.VideoId); err != nil {
		return nil, err
	}
	row, err := s.commentOf(ctx, req.UserId, req.VideoId, req.CommentId)
	if err != nil {
		return nil, err
	}
	if row.UserID != req.UserId {
		return nil, errno.Forbidden
	}
	e, err := s.event(req.UserId, req.VideoId, 0)
	if err != nil {
		return nil, err
	}
	e.Comment = &mq.CommentEvent{CommentID: req.CommentId, Deleted: true, RootID: row.RootID, Replies: row.ReplyCount > 0}
	if _, err := s.publish(ctx, e); err != nil {
		return nil, fmt.Errorf("delete comment %d: %w", req.CommentId, err)
	}
	return &interaction.DeleteCommentResponse{}, nil
}

// LikeComment likes a comment.
func (s *Service) LikeComment(ctx context.Context, req *interaction.LikeCommentRequest) (*interaction.LikeCommentResponse, error) {
	if err := s.setCommentLike(ctx, req.UserId, req.VideoId, req.CommentId, true); err != nil {
		return nil, err
	}
	return &interaction.LikeCommentResponse{}, nil
}

// UnlikeComment takes a like of a comment back.
func (s *Service) UnlikeComment(ctx context.Context, req *interaction.UnlikeCommentRequest) (*interaction.UnlikeCommentResponse, error) {
	if err := s.setCommentLike(ctx, req.UserId, req.VideoId, req.CommentId, false); err != nil {
		return nil, err
	}
	return &interaction.UnlikeCommentResponse{}, nil
}

func (s *Service) setCommentLike(ctx context.Context, userID, videoID, commentID int64, liked bool) error {
	if err := positive(userID, videoID); err != nil {
		return err
	}
	row, err := s.commentOf(ctx, userID, videoID, commentID)
	if err != nil {
		return err
	}
	e, err := s.event(userID, videoID, row.AuthorID)
	if err != nil {
		return err
	}
	e.CommentLike = &mq.CommentLikeEvent{CommentID: commentID, ToUserID: row.UserID, Liked: liked}
	if _, err := s.publish(ctx, e); err != nil {
		return fmt.Errorf("like comment %d: %w", commentID, err)
	}
	return nil
}

// PinComment pins a comment of the author's own video, or none.
func (s *Service) PinComment(ctx context.Context, req *interaction.PinCommentRequest) (*interaction.PinCommentResponse, error) {
	if err := positive(req.UserId, req.VideoId); err != nil {
		return nil, err
	}
	author, err := s.authorOf(ctx, req.VideoId)
	if err != nil {
		return nil, err
	}
	if author != req.UserId {
		return nil, errno.Forbidden
	}
	if req.CommentId != 0 {
		row, err := s.commentOf(ctx, req.UserId, req.VideoId, req.CommentId)
		if err != nil {
			return nil, err
		}
		if row.RootID != 0 {
			return nil, errno.CommentNotFound
		}
	}
	e, err := s.event(req.UserId, req.VideoId, author)
	if err != nil {
		return nil, err
	}
	e.Pin = &mq.PinEvent{CommentID: req.CommentId}
	if _, err := s.publish(ctx, e); err != nil {
		return nil, fmt.Errorf("pin comment %d: %w", req.CommentId, err)
	}
	return &interaction.PinCommentResponse{}, nil
}

// moderated returns the text to store, or why it cannot be.
func (s *Service) moderated(content string) (string, error) {
	content, err := text.Rule{What: "comment", Max: mq.MaxContent, Lines: true}.Clean(content)
	if err != nil {
		return "", err
	}
	content, ok := s.words.Apply(content)
	if !ok {
		return "", errno.CommentRefused
	}
	return content, nil
}
