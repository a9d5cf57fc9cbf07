package view

import (
	"context"
	"slices"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// people are users, and the counters of videos, as everybody sees them, put together from four services.
type people struct {
	cards     map[int64]*user.User
	works     map[int64]int64
	relations map[int64]*social.Relation
	videos    map[int64]*interaction.VideoStats
	users     map[int64]*interaction.UserStats
}

// eyes are what one viewer sees otherwise than everybody. The zero value is a visitor's.
type eyes struct {
	followed, liked idSet
	videos          map[int64]*interaction.VideoStats
	users           map[int64]*interaction.UserStats
}

// asking is people under way.
type asking struct {
	ctx       context.Context //nolint:containedctx // of the request, for as long as it waits
	decor     context.Context //nolint:containedctx // likewise
	cancel    context.CancelFunc
	cards     coalesce.Pending[map[int64]*user.User]
	works     decoration[map[int64]int64]
	relations decoration[relations]
	stats     decoration[stats]
	viewers   int
}

// decoration is something that an answer can do without.
type decoration[A any] struct {
	ticket coalesce.Pending[A]
	err    error
}

// ask starts the calls for users and videos, and for what each of the viewers sees of them: 4 calls in 1 step.
func (v *View) ask(ctx context.Context, viewers, users, videos []int64) *asking {
	decor, cancel := context.WithTimeout(ctx, decorTimeout)
	a := &asking{ctx: ctx, decor: decor, cancel: cancel, viewers: len(viewers)}
	a.cards = v.cards.Start(ctx, users)
	a.works.ticket, a.works.err = v.works.ask(decor, users)
	a.relations.ticket, a.relations.err = v.relations.ask(decor, relationsAsk{users, viewers})
	a.stats.ticket, a.stats.err = v.stats.ask(decor, statsAsk{videos, users, viewers})
	return a
}

// wait returns what has come, and the eyes of the viewers in their order. Only the cards are needed: without them it fails.
func (v *View) wait(a *asking) (p people, seen []eyes, err error) {
	defer a.cancel()
	if p.cards, err = a.cards.Wait(a.ctx); err != nil {
		return p, nil, err
	}
	p.works = got(v, a, a.works, "work counts")
	r := got(v, a, a.relations, "relations")
	s := got(v, a, a.stats, "stats")
	p.relations, p.videos, p.users = r.counters, s.videos, s.users
	seen = make([]eyes, a.viewers)
	for i, x := range r.seen {
		seen[i].followed = newIDSet(x.FollowedIds)
	}
	for i, x := range s.seen {
		seen[i].liked, seen[i].videos, seen[i].users = newIDSet(x.FavoriteIds), x.Videos, x.Users
	}
	return p, seen, nil
}

// got is a decoration, or nothing and a note that it is missing.
func got[A any](v *View, a *asking, d decoration[A], missing string) (answer A) {
	err := d.err
	if err == nil {
		answer, err = d.ticket.Wait(a.decor)
	}
	if err != nil && a.ctx.Err() == nil { // else the page has failed already
		v.missing(a.ctx, missing, err)
	}
	return answer
}

// people are users and videos as the scope's viewer sees them: 4 calls in 1 step.
func (v *View) people(ctx context.Context, s Scope, users, videos []int64) (people, eyes, error) {
	var viewers []int64
	if s.Viewer > 0 {
		viewers = []int64{s.Viewer}
	}
	p, seen, err := v.wait(v.ask(ctx, viewers, users, videos))
	if err != nil || len(seen) == 0 {
		return p, eyes{}, err
	}
	return p, seen[0], nil
}

// user is one of them; one whom the user service does not know is shown as deleted.
func (p *people) user(base string, id int64, e eyes) *api.User {
	parts := pack.UserParts{Card: p.cards[id], Relation: p.relations[id], Stats: p.users[id], Works: p.works[id], IsFollow: e.followed.has(id)}
	if own := e.users[id]; own != nil {
		parts.Stats = own
	}
	return pack.User(base, id, parts)
}

// video is one of them.
func (p *people) video(base string, x *video.Video, e eyes) *api.Video {
	counters := p.videos[x.Id]
	if own := e.videos[x.Id]; own != nil {
		counters = own
	}
	return pack.Video(base, x, p.user(base, x.AuthorId, e), counters, e.liked.has(x.Id))
}

// idSet is a few ids.
type idSet struct {
	ids []int64
	set map[int64]struct{} // when they are more than a few
}

const few = 16

func newIDSet(ids []int64) idSet {
	s := idSet{ids: ids}
	if len(ids) > few {
		s.set = make(map[int64]struct{}, len(ids))
		for _, id := range ids {
			s.set[id] = struct{}{}
		}
	}
	return s
}

func (s idSet) has(id int64) bool {
	if s.set != nil {
		_, ok := s.set[id]
		return ok
	}
	return slices.Contains(s.ids, id)
}

// User is one user, and whether there is one: 4 calls in 1 step.
func (v *View) User(ctx context.Context, s Scope, id int64) (u *api.User, ok bool, err error) {
	p, e, err := v.people(ctx, s, []int64{id}, nil)
	if err != nil {
		return nil, false, err
	}
	return p.user(s.Base, id, e), p.cards[id] != nil, nil
}

// Users are users in the order of ids: 4 calls in 1 step.
func (v *View) Users(ctx context.Context, s Scope, ids []int64) ([]*api.User, error) {
	if len(ids) == 0 {
		return []*api.User{}, nil
	}
	p, e, err := v.people(ctx, s, distinct(ids), nil)
	if err != nil {
		return nil, err
	}
	out := make([]*api.User, 0, len(ids))
	for _, id := range ids {
		out = append(out, p.user(s.Base, id, e))
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
