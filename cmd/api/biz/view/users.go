package view

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
)

// people are users under way from four services.
type people struct {
	cards     map[int64]*user.User
	relations map[int64]*social.Relation
	stats     map[int64]*interaction.UserStats
	works     map[int64]int64
}

// fetch starts the four calls in g. Only the cards are needed: if those fail, g fails.
func (p *people) fetch(ctx context.Context, g *errgroup.Group, v *View, viewer int64, ids []int64) {
	if len(ids) == 0 {
		return
	}
	g.Go(func() (err error) {
		p.cards, err = v.cards(ctx, ids)
		return err
	})
	decorate := func(missing string, call func(context.Context) error) {
		g.Go(func() error { v.decorate(ctx, missing, call); return nil })
	}
	decorate("relations", func(ctx context.Context) error {
		r, err := v.clients.Social.MGetRelations(ctx, &social.MGetRelationsRequest{UserIds: ids, ViewerId: viewer})
		if err != nil {
			return err
		}
		p.relations = r.Relations
		return nil
	})
	decorate("user stats", func(ctx context.Context) error {
		r, err := v.clients.Interaction.MGetUserStats(ctx, &interaction.MGetUserStatsRequest{UserIds: ids, ViewerId: viewer})
		if err != nil {
			return err
		}
		p.stats = r.Stats
		return nil
	})
	decorate("work counts", func(ctx context.Context) (err error) {
		p.works, err = v.works(ctx, ids)
		return err
	})
}

// user is one of them, put together; one whom the user service does not know is shown as deleted.
func (p *people) user(base string, id int64) *api.User {
	return pack.User(base, id, pack.UserParts{Card: p.cards[id], Relation: p.relations[id], Stats: p.stats[id], Works: p.works[id]})
}

// User is one user, and whether there is one: 4 calls in 1 step.
func (v *View) User(ctx context.Context, s Scope, id int64) (u *api.User, ok bool, err error) {
	var p people
	g, gctx := errgroup.WithContext(ctx)
	p.fetch(gctx, g, v, s.Viewer, []int64{id})
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	return p.user(s.Base, id), p.cards[id] != nil, nil
}

// Users are users in the order of ids: 4 calls in 1 step.
func (v *View) Users(ctx context.Context, s Scope, ids []int64) ([]*api.User, error) {
	var p people
	g, gctx := errgroup.WithContext(ctx)
	p.fetch(gctx, g, v, s.Viewer, distinct(ids))
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make([]*api.User, 0, len(ids))
	for _, id := range ids {
		out = append(out, p.user(s.Base, id))
	}
	return out, nil
}

// distinct drops duplicates and keeps the order.
func distinct(ids []int64) []int64 {
	seen := make(map[int64]struct{}, len(ids))
	out := make([]int64, 0, len(ids))
	for _, id := range ids {
		if _, dup := seen[id]; !dup {
			seen[id] = struct{}{}
			out = append(out, id)
		}
	}
	return out
}
