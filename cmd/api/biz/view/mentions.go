package view

import (
	"context"

	"tiktok/cmd/api/biz/mention"
	"tiktok/kitex_gen/user"
)

// Mentioned are the users whom a text of an author mentions, without the author: 1 call when it mentions somebody, else none. It does not
// fail, because what is written is worth more than its mentions: without the user service there are none.
func (v *View) Mentioned(ctx context.Context, author int64, text string) []int64 {
	mentions := mention.Parse(text)
	if len(mentions) == 0 {
		return nil
	}
	optionalCtx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	r, err := v.clients.User.MFindUsers(optionalCtx, &user.MFindUsersRequest{Names: mentions.Names()})
	if err != nil {
		if ctx.Err() == nil {
			v.reportMissing(ctx, "mentions", err)
		}
		return nil
	}
	return mentions.Users(r.UserIds, author)
}
