package view

import (
	"context"

	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/coalesce"
)

// Comments are comments with their authors alone, in the given order: 4 calls in 1 step.
func (v *View) Comments(ctx context.Context, viewer int64, comments []*interaction.Comment) ([]Comment, error) {
	authors := make([]int64, len(comments))
	for i, c := range comments {
		authors[i] = c.UserId
	}
	profiles, err := v.Profiles(ctx, viewer, authors)
	if err != nil {
		return nil, err
	}
	out := make([]Comment, len(comments))
	for i, c := range comments {
		out[i] = Comment{Comment: c, Author: profiles[i]}
	}
	return out, nil
}

// Threads are comments with their authors, whom they answer and whom they mention, in the given order: 4 calls in 1 step.
func (v *View) Threads(ctx context.Context, viewer int64, comments []*interaction.Comment) ([]Comment, error) {
	if len(comments) == 0 {
		return nil, nil
	}
	var who people
	for _, c := range comments {
		who.add(c)
	}
	all, states, err := v.startPeople(ctx, viewer, &who).wait(v)
	if err != nil {
		return nil, err
	}
	out := make([]Comment, len(comments))
	for i, c := range comments {
		out[i] = all.comment(states, c)
	}
	return out, nil
}

// NewComment is a comment that the viewer has just posted: 4 calls in 1 step. It does not fail, because the comment is stored
// and after an error the client would post it again: without the user service its author has no name.
func (v *View) NewComment(ctx context.Context, viewer int64, c *interaction.Comment) Comment {
	comments, err := v.Threads(ctx, viewer, []*interaction.Comment{c})
	if err != nil {
		v.reportMissing(ctx, "author", err)
		return Comment{Comment: c, Author: Profile{ID: c.UserId, User: &user.User{Id: c.UserId}}}
	}
	return comments[0]
}

// people are the users of a page: those whose profiles it shows, and those of whom it shows the names only.
type people struct{ profiles, cards []int64 }

// add adds the users of a comment.
func (p *people) add(c *interaction.Comment) {
	p.profiles = append(p.profiles, c.UserId)
	if c.ReplyToUserId != 0 {
		p.profiles = append(p.profiles, c.ReplyToUserId)
	}
	p.cards = append(p.cards, c.MentionedUserIds...)
}

// startPeople starts the calls for the users of a page, as startParts does.
func (v *View) startPeople(ctx context.Context, viewer int64, who *people) *pendingParts {
	return v.startParts(ctx, only(viewer), coalesce.Distinct(who.profiles), nil, who.cards)
}

// comment is a comment with its users, as the one viewer sees them whose state it is.
func (all *parts) comment(states []viewerState, c *interaction.Comment) Comment {
	out := Comment{Comment: c, Author: all.seenBy(states, c.UserId), Mentions: all.accounts(c.MentionedUserIds)}
	if c.ReplyToUserId != 0 {
		to := all.seenBy(states, c.ReplyToUserId)
		out.ReplyToUser = &to
	}
	return out
}
