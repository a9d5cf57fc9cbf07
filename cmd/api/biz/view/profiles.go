package view

import (
	"context"
	"slices"

	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// parts are users, and counters of users and videos, as a visitor sees them, from four services.
type parts struct {
	users       map[int64]*user.User
	moreUsers   map[int64]*user.User // those beyond MAX_BATCH
	videoCounts map[int64]int64
	relations   map[int64]*social.Relation
	userStats   map[int64]*interaction.UserStats
	videoStats  map[int64]*interaction.VideoStats
}

// viewerState is what one viewer sees in another way than a visitor: flags, and counters that their pending writes change.
// The zero value is a visitor's.
type viewerState struct {
	followed, liked idSet
	userStats       map[int64]*interaction.UserStats
	videoStats      map[int64]*interaction.VideoStats
}

// pendingParts are calls in flight for parts and viewer states.
type pendingParts struct {
	ctx         context.Context //nolint:containedctx // of the request that waits
	optionalCtx context.Context //nolint:containedctx // likewise, with the deadline of optional parts
	cancel      context.CancelFunc
	viewers     int
	users       coalesce.Pending[map[int64]*user.User]
	moreUsers   coalesce.Pending[map[int64]*user.User]
	videoCounts pendingPart[map[int64]int64]
	relations   pendingPart[relations]
	stats       pendingPart[stats]
}

// startParts starts the calls for users and videos, and for the state of each viewer: 4 calls in 1 step. cards are more users, of whom only
// the accounts are needed; with more than MAX_BATCH accounts in all it is 5 calls, and those beyond 2*MAX_BATCH are left out.
func (v *View) startParts(ctx context.Context, viewers, users, videos, cards []int64) *pendingParts {
	p := &pendingParts{ctx: ctx, viewers: len(viewers)}
	timeout := optionalTimeout
	if len(viewers) > 0 {
		timeout = viewerTimeout
	}
	p.optionalCtx, p.cancel = context.WithTimeout(ctx, timeout)
	all := users
	if len(cards) > 0 {
		all = coalesce.Distinct(slices.Concat(users, cards))
	}
	if more := len(all) - common.MAX_BATCH; more > 0 {
		rest := all[common.MAX_BATCH:][:min(more, common.MAX_BATCH)]
		p.moreUsers = v.users.Start(ctx, usersQuery{rest, among(viewers, rest)})
		all = all[:common.MAX_BATCH]
	}
	p.users = v.users.Start(ctx, usersQuery{all, among(viewers, all)})
	p.videoCounts = v.videoCounts.start(p.optionalCtx, users)
	p.relations = v.relations.start(p.optionalCtx, relationsQuery{users, viewers})
	p.stats = v.stats.start(p.optionalCtx, statsQuery{videos, users, viewers})
	return p
}

// among are those of a that are in b too, nil for none.
func among(a, b []int64) (both []int64) {
	for _, id := range a {
		if slices.Contains(b, id) {
			both = append(both, id)
		}
	}
	return both
}

// wait returns the parts, and the states of the viewers in their order. It fails only without users: all else is optional.
func (p *pendingParts) wait(v *View) (all parts, states []viewerState, err error) {
	defer p.cancel()
	if all.users, err = p.users.Wait(p.ctx); err != nil {
		return all, nil, err
	}
	if all.moreUsers, err = p.moreUsers.Wait(p.ctx); err != nil {
		return all, nil, err
	}
	all.videoCounts = waitOptional(v, p, p.videoCounts, "work counts")
	r := waitOptional(v, p, p.relations, "relations")
	s := waitOptional(v, p, p.stats, "stats")
	all.relations, all.videoStats, all.userStats = r.counters, s.videos, s.users
	states = make([]viewerState, p.viewers)
	for i, x := range r.viewers {
		states[i].followed = newIDSet(x.FollowedIds)
	}
	for i, x := range s.viewers {
		states[i].liked, states[i].videoStats, states[i].userStats = newIDSet(x.FavoriteIds), x.Videos, x.Users
	}
	return all, states, nil
}

// waitOptional returns an optional part, or nothing and a report that it is missing.
func waitOptional[A any](v *View, p *pendingParts, part pendingPart[A], missing string) A {
	answer, err := part.wait(p.optionalCtx)
	if err != nil && p.ctx.Err() == nil { // else the request has failed already
		v.reportMissing(p.ctx, missing, err)
	}
	return answer
}

// user is an account, nil if there is none.
func (all *parts) user(id int64) *user.User {
	if u := all.users[id]; u != nil {
		return u
	}
	return all.moreUsers[id]
}

// accounts are those of ids that exist, in their order.
func (all *parts) accounts(ids []int64) (users []*user.User) {
	for _, id := range ids {
		if u := all.user(id); u != nil {
			users = append(users, u)
		}
	}
	return users
}

// profile is a user as a visitor sees them.
func (all *parts) profile(id int64) Profile {
	return Profile{ID: id, User: all.user(id), Relation: all.relations[id], Stats: all.userStats[id], VideoCount: all.videoCounts[id]}
}

// seenBy is a user as the one viewer sees them whose state it is, or as a visitor without one.
func (all *parts) seenBy(states []viewerState, id int64) Profile {
	p := all.profile(id)
	for _, s := range states {
		s.applyTo(&p)
	}
	return p
}

// applyTo makes of a visitor's profile that of the viewer.
func (s *viewerState) applyTo(p *Profile) {
	p.IsFollow = s.followed.has(p.ID)
	if own := s.userStats[p.ID]; own != nil {
		p.Stats = own
	}
}

// apply makes of visitors' videos those of the viewer.
func (s *viewerState) apply(videos []Video) {
	for i := range videos {
		x := &videos[i]
		s.applyTo(&x.Author)
		x.IsFavorite = s.liked.has(x.Id)
		if own := s.videoStats[x.Id]; own != nil {
			x.Stats = own
		}
	}
}

// composeVideos are videos as a visitor sees them, with their authors and the views that the caller reads, and the states of the viewers:
// 4 calls in 1 step.
func (v *View) composeVideos(
	ctx context.Context, viewers []int64, videos []*video.Video, views pendingViews,
) ([]Video, []viewerState, error) {
	defer views.cancel()
	if len(videos) == 0 {
		return nil, make([]viewerState, len(viewers)), nil
	}
	authors, mentioned := make([]int64, len(videos)), []int64(nil)
	for i, x := range videos {
		authors[i] = x.AuthorId
		mentioned = append(mentioned, x.MentionedUserIds...)
	}
	all, states, err := v.startParts(ctx, viewers, coalesce.Distinct(authors), coalesce.Distinct(idsOf(videos)), mentioned).wait(v)
	if err != nil {
		return nil, nil, err
	}
	counts := views.wait(ctx, v)
	out := make([]Video, len(videos))
	for i, x := range videos {
		out[i] = Video{
			Video: x, Author: all.profile(x.AuthorId), Stats: all.videoStats[x.Id], Mentions: all.accounts(x.MentionedUserIds),
			Views: counts[x.Id],
		}
	}
	return out, states, nil
}

// idsOf are the ids of videos, in their order.
func idsOf(videos []*video.Video) []int64 {
	ids := make([]int64, len(videos))
	for i, x := range videos {
		ids[i] = x.Id
	}
	return ids
}

// only are the viewers of a request: one, or none for a visitor.
func only(viewer int64) []int64 {
	if viewer == 0 {
		return nil
	}
	return []int64{viewer}
}

// Profile is one user, whether they exist or not: 4 calls in 1 step.
func (v *View) Profile(ctx context.Context, viewer, id int64) (Profile, error) {
	users, err := v.Profiles(ctx, viewer, []int64{id})
	if err != nil {
		return Profile{}, err
	}
	return users[0], nil
}

// Me is the viewer, and what they have not read: 6 calls in 1 step.
func (v *View) Me(ctx context.Context, viewer int64) (Profile, Unread, error) {
	pending := v.startParts(ctx, only(viewer), []int64{viewer}, nil, nil)
	unread := v.unread(pending.optionalCtx, viewer)
	profiles, err := pending.profiles(v, []int64{viewer})
	if err != nil {
		return Profile{}, Unread{}, err
	}
	return profiles[0], unread, nil
}

// Profiles are users in the order of ids: 4 calls in 1 step.
func (v *View) Profiles(ctx context.Context, viewer int64, ids []int64) ([]Profile, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return v.startParts(ctx, only(viewer), coalesce.Distinct(ids), nil, nil).profiles(v, ids)
}

// profiles waits for the parts of a request with one viewer or none.
func (p *pendingParts) profiles(v *View, ids []int64) ([]Profile, error) {
	all, states, err := p.wait(v)
	if err != nil {
		return nil, err
	}
	out := make([]Profile, len(ids))
	for i, id := range ids {
		out[i] = all.seenBy(states, id)
	}
	return out, nil
}

// idSet is a few ids, or many in a map.
type idSet struct {
	ids []int64
	set map[int64]struct{}
}

// few is up to how many ids are searched one by one.
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
