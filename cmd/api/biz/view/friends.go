package view

import (
	"context"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/chat"
)

// Friends are users with the latest message between each and the viewer, in the order of ids: 5 calls in 1 step.
func (v *View) Friends(ctx context.Context, s Scope, ids []int64) ([]*api.FriendUser, error) {
	if len(ids) == 0 {
		return []*api.FriendUser{}, nil
	}
	all := distinct(ids)
	a := v.ask(ctx, []int64{s.Viewer}, all, nil)
	decor, cancel := context.WithTimeout(ctx, decorTimeout)
	defer cancel()
	r, lastErr := v.clients.Chat.MGetLastMessages(decor, &chat.MGetLastMessagesRequest{UserId: s.Viewer, PeerIds: all})
	p, seen, err := v.wait(a)
	if err != nil {
		return nil, err
	}
	var last map[int64]*chat.Message
	if lastErr == nil {
		last = r.Messages
	} else if ctx.Err() == nil {
		v.missing(ctx, "last messages", lastErr)
	}
	out := make([]*api.FriendUser, 0, len(ids))
	for _, id := range ids {
		out = append(out, pack.Friend(p.user(s.Base, id, seen[0]), s.Viewer, last[id]))
	}
	return out, nil
}
