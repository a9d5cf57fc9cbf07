package service

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/paging"
)

// MGetRelations reads counters and the viewers' flags through the cache: two reads of it, whatever the number of looks,
// and one statement each for what it does not hold.
func (s *Service) MGetRelations(ctx context.Context, req *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	ids, err := paging.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	if err := paging.Viewers(req.ViewerQueries, common.MAX_BATCH, social.MAX_VIEWER_IDS, viewerOf); err != nil {
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

func viewerOf(q *social.ViewerQuery) (viewerID int64, ids int) { return q.ViewerId, len(q.UserIds) }

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
	var many []db.ViewerQuery // of those who follow too many
	for _, l := range looks {
		if held[l.ViewerId].More {
			many = append(many, db.ViewerQuery{ViewerID: l.ViewerId, UserIDs: l.UserIds})
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
