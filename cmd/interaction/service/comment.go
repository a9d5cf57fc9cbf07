package service

import (
	"context"
	"fmt"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
	"tiktok/pkg/text"
)

// CreateComment adds a comment. Its id and time are given here, so the answer is final before the row is stored.
func (s *Service) CreateComment(ctx context.Context, req *interaction.CreateCommentRequest) (*interaction.CreateCommentResponse, error) {
	if err := positive(req.UserId, req.VideoId); err != nil {
		return nil, err
	}
	content, err := s.moderated(req.Content)
	if err != nil {
		return nil, err
	}
	author, err := s.authorOf(ctx, req.VideoId)
	if err != nil {
		return nil, err
	}
	e := s.event(req.UserId, req.VideoId, author)
	e.Comment = &mq.CommentEvent{CommentID: e.ID, Content: content}
	if err := s.publish(ctx, e); err != nil {
		return nil, fmt.Errorf("comment on video %d: %w", req.VideoId, err)
	}
	return &interaction.CreateCommentResponse{Comment: pack.Comment(commentRow(e))}, nil
}

// DeleteComment deletes the user's own comment, also one that is not stored yet.
func (s *Service) DeleteComment(ctx context.Context, req *interaction.DeleteCommentRequest) (*interaction.DeleteCommentResponse, error) {
	if err := positive(req.UserId, req.VideoId, req.CommentId); err != nil {
		return nil, err
	}
	row, ok, err := s.ownComment(ctx, req.UserId, req.CommentId)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read comment %d: %w", req.CommentId, err)
	case !ok, row.VideoID != req.VideoId:
		return nil, errno.CommentNotFound
	case row.UserID != req.UserId:
		return nil, errno.Forbidden
	}
	e := s.event(req.UserId, req.VideoId, 0)
	e.Comment = &mq.CommentEvent{CommentID: req.CommentId, Deleted: true}
	if err := s.publish(ctx, e); err != nil {
		return nil, fmt.Errorf("delete comment %d: %w", req.CommentId, err)
	}
	return &interaction.DeleteCommentResponse{}, nil
}

// ListComments reads one page of a video's comments as the viewer sees them.
func (s *Service) ListComments(ctx context.Context, req *interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
	if err := positive(req.VideoId); err != nil {
		return nil, err
	}
	before, limit, err := paging.Page(req.Page, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	if _, err := s.authorOf(ctx, req.VideoId); err != nil {
		return nil, err
	}
	rows, err := s.comments(ctx, req.ViewerId, req.VideoId, before, limit+1)
	if err != nil {
		return nil, fmt.Errorf("list comments of video %d: %w", req.VideoId, err)
	}
	rows, next := paging.Cut(rows, limit, func(c db.Comment) int64 { return c.ID })
	return &interaction.ListCommentsResponse{Comments: pack.Comments(rows), NextCursor: next}, nil
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
