package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
)

// ListComments is a video's comments, newest first.
func (a *API) ListComments(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "video_id")
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Interaction.ListComments(ctx, &interaction.ListCommentsRequest{VideoId: id, Page: page, ViewerId: in.Viewer})
	if err != nil {
		return nil, err
	}
	comments, err := a.shared.View.Comments(ctx, in.Viewer, r.Comments)
	if err != nil {
		return nil, err
	}
	items := pack.Each(comments, func(c *view.Comment) *model.Comment { return renderComment(in.Base, c) })
	return &model.CommentPage{Items: items, NextCursor: r.NextCursor}, nil
}

// CreateComment posts a comment.
func (a *API) CreateComment(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	var req model.CreateCommentRequest
	if err = body(in, &req); err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Interaction.CreateComment(ctx, &interaction.CreateCommentRequest{
		UserId: in.Viewer, VideoId: id, Content: req.Content,
	})
	if err != nil {
		return nil, err
	}
	c := a.shared.View.NewComment(ctx, in.Viewer, r.Comment)
	return renderComment(in.Base, &c), nil
}

// DeleteComment deletes a comment of the viewer.
func (a *API) DeleteComment(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	comment, err := pathID(in, "comment_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.DeleteComment(ctx, &interaction.DeleteCommentRequest{
		UserId: in.Viewer, VideoId: id, CommentId: comment,
	})
	return nil, err
}
