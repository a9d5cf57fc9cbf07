package handler

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
)

// CommentAction posts a comment or deletes one.
func (h *Handler) CommentAction(ctx context.Context, in *call.Call) (any, error) {
	videoID, err := in.Params.ID("video_id")
	if err != nil {
		return nil, err
	}
	undo, err := action(in)
	if err != nil {
		return nil, err
	}
	if undo {
		return h.deleteComment(ctx, in, videoID)
	}
	text, err := in.Params.Text("comment_text")
	if err != nil {
		return nil, err
	}
	key, err := in.RequestKey()
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Interaction.CreateComment(ctx, &interaction.CreateCommentRequest{
		UserId: in.Viewer, VideoId: videoID, Content: text, MentionedUserIds: h.View.Mentioned(ctx, in.Viewer, text), RequestKey: key,
	})
	if err != nil {
		return nil, err
	}
	comment := h.View.NewComment(ctx, in.Viewer, r.Comment)
	return &api.CommentActionResponse{StatusMsg: pack.OK, Comment: pack.Comment(in.Base, comment, h.Zone)}, nil
}

func (h *Handler) deleteComment(ctx context.Context, in *call.Call, videoID int64) (any, error) {
	id, err := in.Params.ID("comment_id")
	if err != nil {
		return nil, err
	}
	_, err = h.Clients.Interaction.DeleteComment(ctx, &interaction.DeleteCommentRequest{UserId: in.Viewer, VideoId: videoID, CommentId: id})
	if err != nil {
		return nil, err
	}
	return &api.CommentActionResponse{StatusMsg: pack.OK}, nil
}

// CommentList is the comments below a video, newest first, answers among them: the client knows no threads.
func (h *Handler) CommentList(ctx context.Context, in *call.Call) (any, error) {
	id, err := in.Params.ID("video_id")
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.Interaction.ListComments(ctx, &interaction.ListCommentsRequest{VideoId: id, Page: fullPage(), ViewerId: in.Viewer})
	if err != nil {
		return nil, err
	}
	comments, err := h.View.Comments(ctx, in.Viewer, r.Comments)
	if err != nil {
		return nil, err
	}
	return &api.CommentListResponse{StatusMsg: pack.OK, CommentList: pack.Comments(in.Base, comments, h.Zone)}, nil
}
