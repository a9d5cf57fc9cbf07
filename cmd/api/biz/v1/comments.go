package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/interaction"
)

// The orders of comments.
const (
	sortNewest = "newest"
	sortTop    = "top"
)

// ListComments is the comments of a video that begin a thread.
func (a *API) ListComments(ctx context.Context, in *call.Call) (any, error) {
	id, page, err := listOf(in, "video_id")
	if err != nil {
		return nil, err
	}
	order, err := query(in, "sort")
	if err != nil {
		return nil, err
	}
	req := &interaction.ListThreadsRequest{VideoId: id, Page: page, ViewerId: in.Viewer}
	switch order {
	case sortNewest, "":
		req.Sort = interaction.CommentSort_NEWEST
	case sortTop:
		req.Sort = interaction.CommentSort_TOP
	default:
		return nil, invalid("sort has to be newest or top")
	}
	r, err := a.shared.Clients.Interaction.ListThreads(ctx, req)
	if err != nil {
		return nil, err
	}
	return a.commentPage(ctx, in, r.Comments, r.NextCursor)
}

// ListReplies is the answers of a thread, oldest first.
func (a *API) ListReplies(ctx context.Context, in *call.Call) (any, error) {
	video, comment, err := commentIDs(in)
	if err != nil {
		return nil, err
	}
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Interaction.ListReplies(ctx, &interaction.ListRepliesRequest{
		VideoId: video, CommentId: comment, Page: page, ViewerId: in.Viewer,
	})
	if err != nil {
		return nil, err
	}
	return a.commentPage(ctx, in, r.Comments, r.NextCursor)
}

func (a *API) commentPage(ctx context.Context, in *call.Call, found []*interaction.Comment, next string) (*model.CommentPage, error) {
	comments, err := a.view.Threads(ctx, in.Viewer, found)
	if err != nil {
		return nil, err
	}
	items := pack.Each(comments, func(c *view.Comment) *model.Comment { return renderComment(in.Base, c) })
	return &model.CommentPage{Items: items, NextCursor: next}, nil
}

// commentIDs are the ids of a comment and its video in the path.
func commentIDs(in *call.Call) (video, comment int64, err error) {
	if video, err = pathID(in, "video_id"); err != nil {
		return 0, 0, err
	}
	comment, err = pathID(in, "comment_id")
	return video, comment, err
}

// CreateComment posts a comment, or answers one.
func (a *API) CreateComment(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	var req model.CreateCommentRequest
	if err = body(in, &req); err != nil {
		return nil, err
	}
	if req.ReplyToID != nil && (*req.ReplyToID <= 0 || *req.ReplyToID > maxID) {
		return nil, invalid("reply_to_id is not an id")
	}
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Interaction.CreateComment(ctx, &interaction.CreateCommentRequest{
		UserId: in.Viewer, VideoId: id, Content: req.Content, ReplyToId: req.GetReplyToID(),
		MentionedUserIds: a.view.Mentioned(ctx, in.Viewer, req.Content), RequestKey: key,
	})
	if err != nil {
		return nil, err
	}
	c := a.view.NewComment(ctx, in.Viewer, r.Comment)
	return renderComment(in.Base, &c), nil
}

// DeleteComment deletes a comment of the viewer.
func (a *API) DeleteComment(ctx context.Context, in *call.Call) (any, error) {
	video, comment, err := commentIDs(in)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.DeleteComment(ctx, &interaction.DeleteCommentRequest{
		UserId: in.Viewer, VideoId: video, CommentId: comment,
	})
	return nil, err
}

// LikeComment makes the viewer like a comment.
func (a *API) LikeComment(ctx context.Context, in *call.Call) (any, error) {
	video, comment, err := commentIDs(in)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.LikeComment(ctx, &interaction.LikeCommentRequest{
		UserId: in.Viewer, VideoId: video, CommentId: comment,
	})
	return nil, err
}

// UnlikeComment takes that back.
func (a *API) UnlikeComment(ctx context.Context, in *call.Call) (any, error) {
	video, comment, err := commentIDs(in)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.UnlikeComment(ctx, &interaction.UnlikeCommentRequest{
		UserId: in.Viewer, VideoId: video, CommentId: comment,
	})
	return nil, err
}

// PinComment pins a comment of the viewer's own video.
func (a *API) PinComment(ctx context.Context, in *call.Call) (any, error) {
	video, comment, err := commentIDs(in)
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.PinComment(ctx, &interaction.PinCommentRequest{
		UserId: in.Viewer, VideoId: video, CommentId: comment,
	})
	return nil, err
}

// UnpinComment pins none any more.
func (a *API) UnpinComment(ctx context.Context, in *call.Call) (any, error) {
	video, err := pathID(in, "video_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Interaction.PinComment(ctx, &interaction.PinCommentRequest{UserId: in.Viewer, VideoId: video})
	return nil, err
}
