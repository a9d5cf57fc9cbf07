package view

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/chat"
)

// Friends are users with the latest message between each and the viewer, in the order of ids: 5 calls in 1 step.
func (v *View) Friends(ctx context.Context, s Scope, ids []int64) ([]*api.FriendUser, error) {
	if len(ids) == 0 {
		return []*api.FriendUser{}, nil
	}
	var p people
	var last map[int64]*chat.Message
	g, gctx := errgroup.WithContext(ctx)
	p.fetch(gctx, g, v, s.Viewer, distinct(ids))
	g.Go(func() error {
		v.decorate(gctx, "last messages", func(ctx context.Context) error {
			r, err := v.clients.Chat.MGetLastMessages(ctx, &chat.MGetLastMessagesRequest{UserId: s.Viewer, PeerIds: distinct(ids)})
			if err != nil {
				return err
			}
			last = r.Messages
			return nil
		})
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make([]*api.FriendUser, 0, len(ids))
	for _, id := range ids {
		out = append(out, pack.Friend(p.user(s.Base, id), s.Viewer, last[id]))
	}
	return out, nil
}
