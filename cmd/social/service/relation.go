package service

import (
	"context"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/batch"
	"tiktok/pkg/errno"
)

// MGetRelations reads counters and the viewers' flags through the cache: two reads of it, whatever the number of looks,
// and one statement each for what it does not hold.
func (s *Service) MGetRelations(ctx context.Context, req *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	ids, err := batch.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	if err := checkLooks(req.Looks); err != nil {
		return nil, err
	}
	resp := &social.MGetRelationsResponse{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		stats, err := s.stats.GetMulti(gctx, ids, s.loadStats)
		resp.Relations = pack.Relations(ids, stats)
		return err
	})
	seen, err := s.seen(gctx, req.Looks)
	if werr := g.Wait(); werr != nil { // the first that failed; it may be why the other did
		return nil, werr
	}
	if err != nil {
		return nil, err
	}
	resp.Seen = seen
	return resp, nil
}

func checkLooks(looks []*social.Look) error {
	if len(looks) > common.MAX_BATCH {
		return errno.InvalidArgument.With("too many looks in one call")
	}
	total := 0
	for _, l := range looks {
		if l == nil || l.ViewerId <= 0 {
			return errno.InvalidArgument.With("a look needs a viewer")
		}
		if total += len(l.UserIds); total > social.MAX_LOOK_IDS {
			return errno.InvalidArgument.With("too many ids in one call")
		}
	}
	return nil
}

// seen says whom of their users the viewers follow.
func (s *Service) seen(ctx context.Context, looks []*social.Look) ([]*social.Seen, error) {
	viewers := make([]int64, 0, len(looks))
	for _, l := range looks {
		if len(l.UserIds) > 1 || len(l.UserIds) == 1 && l.UserIds[0] != l.ViewerId { // nobody follows himself
			viewers = append(viewers, l.ViewerId)
		}
	}
	held, err := s.following.of(ctx, viewers...)
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
	seen := make([]*social.Seen, len(looks))
	for i, l := range looks {
		seen[i] = &social.Seen{}
		for _, id := range l.UserIds {
			if held[l.ViewerId].Has(id) || rest[l.ViewerId][id] {
				seen[i].FollowedIds = append(seen[i].FollowedIds, id)
			}
		}
	}
	return seen, nil
}
