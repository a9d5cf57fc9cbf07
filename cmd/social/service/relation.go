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

// MGetRelations reads counters and the viewers' flags through the cache: two reads of it, whatever the number of queries,
// and one statement each for what is not cached.
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
	states, err := s.viewerStates(gctx, req.ViewerQueries)
	if werr := g.Wait(); werr != nil { // the first that failed; it may be why the other did
		return nil, werr
	}
	if err != nil {
		return nil, err
	}
	resp.ViewerStates = states
	return resp, nil
}

func viewerOf(q *social.ViewerQuery) (viewerID int64, ids int) { return q.ViewerId, len(q.UserIds) }

// viewerStates says whom of their users the viewers follow.
func (s *Service) viewerStates(ctx context.Context, queries []*social.ViewerQuery) ([]*social.ViewerState, error) {
	viewers := make([]int64, 0, len(queries))
	for _, q := range queries {
		if len(q.UserIds) > 1 || len(q.UserIds) == 1 && q.UserIds[0] != q.ViewerId { // nobody follows themselves
			viewers = append(viewers, q.ViewerId)
		}
	}
	following, err := s.following.GetMulti(ctx, viewers)
	if err != nil {
		return nil, err
	}
	var many []db.ViewerQuery // of those who follow too many
	for _, q := range queries {
		if following[q.ViewerId].More {
			many = append(many, db.ViewerQuery{ViewerID: q.ViewerId, UserIDs: q.UserIds})
		}
	}
	rest, err := s.store.Following(ctx, many)
	if err != nil {
		return nil, err
	}
	states := make([]*social.ViewerState, len(queries))
	for i, q := range queries {
		states[i] = &social.ViewerState{}
		for _, id := range q.UserIds {
			if following[q.ViewerId].Has(id) || rest[q.ViewerId][id] {
				states[i].FollowedIds = append(states[i].FollowedIds, id)
			}
		}
	}
	return states, nil
}
