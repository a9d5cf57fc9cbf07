package view

import (
	"context"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/user"
)

// Comments are comments with their authors, in the given order: 4 calls in 1 step.
func (v *View) Comments(ctx context.Context, s Scope, comments []*interaction.Comment) ([]*api.Comment, error) {
	authors := make([]int64, len(comments))
	for i, c := range comments {
		authors[i] = c.UserId
	}
	users, err := v.Users(ctx, s, authors)
	if err != nil {
		return nil, err
	}
	out := make([]*api.Comment, 0, len(comments))
	for i, c := range comments {
		out = append(out, pack.Comment(c, users[i], v.zone))
	}
	return out, nil
}

// NewComment is a comment that the viewer has just posted: 4 calls in 1 step. It does not fail, because the comment is
// stored and an error would make the client post it again: without the user service the author has no name.
func (v *View) NewComment(ctx context.Context, s Scope, c *interaction.Comment) *api.Comment {
	comments, err := v.Comments(ctx, s, []*interaction.Comment{c})
	if err != nil {
		v.missing(ctx, "author", err)
		return pack.Comment(c, pack.User(s.Base, c.UserId, pack.UserParts{Card: &user.User{Id: c.UserId}}), v.zone)
	}
	return comments[0]
}
