package service

import (
	"context"
	"slices"

	"tiktok/cmd/social/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/pkg/batch"
)

// MGetRelations reads counters through the cache, and the viewer's flags, which are not cached, in one statement.
func (s *Service) MGetRelations(ctx context.Context, req *social.MGetRelationsRequest) (*social.MGetRelationsResponse, error) {
	ids, err := batch.IDs(req.UserIds, common.MAX_BATCH)
	if err != nil {
		return nil, err
	}
	stats, err := s.stats.GetMulti(ctx, ids, s.load)
	if err != nil {
		return nil, err
	}
	var following map[int64]bool
	if req.ViewerId > 0 {
		// Nobody follows himself: asking for that too would be harmless, but a page of one's own videos needs no statement.
		others := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id == req.ViewerId })
		if following, err = s.store.Following(ctx, req.ViewerId, others); err != nil {
			return nil, err
		}
	}
	return &social.MGetRelationsResponse{Relations: pack.Relations(ids, stats, following)}, nil
}
