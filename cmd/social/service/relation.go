package service

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// MGetRelations reads counters and the viewers' flags through the cache: two reads of it, whatever the number of looks,
// and one statement each for what it does not hold.
func (s *Service) MGetRelations(ctx context.Context, req *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	ids, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	if err := checkLooks(req.ViewerQueries); err != nil {
		return nil, err
	}
	resp := &social.MGetRelationsResponse{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		stats, err := s.stats.GetMulti(gctx, ids)
		resp.Relations = pack.Relations(ids, stats)
		return err
	})
	seen, err := s.seen(gctx, req.ViewerQueries)
	if werr := g.Wait(); werr != nil { // the first that failed; it may be why the other did
		return nil, werr
	}
	if err != nil {
		return nil, err
	}
	resp.ViewerStates = seen
	return resp, nil
}

func checkLooks(looks []*social.ViewerQuery) error {
	if len(looks) > common.MAX_BATCH {
		return errno.InvalidArgument.With("too many looks in one call")
	}
	total := 0
	for _, l := range looks {
		if l == nil || l.ViewerId <= 0 {
			return errno.InvalidArgument.With("a look needs a viewer")
		}
		if total += len(l.UserIds); total > social.MAX_VIEWER_IDS {
			return errno.InvalidArgument.With("too many ids in one call")
		}
	}
	return nil
}

// seen says whom of their users the viewers follow.
func (s *Service) seen(ctx context.Context, looks []*social.ViewerQuery) ([]*social.ViewerState, error) {
	viewers := make([]int64, 0, len(looks))
	for _, l := range looks {
		if len(l.UserIds) > 1 || len(l.UserIds) == 1 && l.UserIds[0] != l.ViewerId { // nobody follows himself
			viewers = append(viewers, l.ViewerId)
		}
	}
	held, err := s.following.GetMulti(ctx, viewers)
	if err != nil {
		return nil, err
	}
	var many []db.Look // of those who follow too many
	for _, l := range looks {
		if held[l.ViewerId].More {
			many = append(many, db.Look{ViewerID: l.ViewerId, UserIDs: l.UserIds})
		}
	}
	rest, err := s.store.Following(ctx, many)
	if err != nil {
		return nil, err
	}
	seen := make([]*social.ViewerState, len(looks))
	for i, l := range looks {
		seen[i] = &social.ViewerState{}
		for _, id := range l.UserIds {
			if held[l.ViewerId].Has(id) || rest[l.ViewerId][id] {
				seen[i].FollowedIds = append(seen[i].FollowedIds, id)
			}
		}
	}
	return seen, nil
}
