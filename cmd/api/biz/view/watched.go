package view

import (
	"context"
	"slices"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/coalesce"
)

func loadViews(c rpc.Clients) optionalCall[[]int64, map[int64]int64] {
	size := func(ids []int64) int { return len(ids) }
	return newOptionalPart(size, func(ctx context.Context, queries [][]int64) ([]map[int64]int64, error) {
		r, err := c.Discovery.MGetViews(ctx, &discovery.MGetViewsRequest{VideoIds: coalesce.Union(queries)})
		if err != nil {
			return nil, err
		}
		return slices.Repeat([]map[int64]int64{r.Views}, len(queries)), nil
	})
}

// pendingViews are the views of videos, on their way. Who starts them has to call wait or cancel.
type pendingViews struct {
	part   pendingPart[map[int64]int64]
	ctx    context.Context //nolint:containedctx // of the request that waits, with the deadline of an optional part
	cancel context.CancelFunc
}

// startViews asks how often videos were watched: 1 call, none for a View that does not read views.
func (v *View) startViews(ctx context.Context, ids []int64) pendingViews {
	if v.plain == nil || len(ids) == 0 {
		return pendingViews{cancel: func() {}}
	}
	var p pendingViews
	p.ctx, p.cancel = context.WithTimeout(ctx, optionalTimeout)
	p.part = v.views.start(p.ctx, coalesce.Distinct(ids))
	return p
}

// wait returns the views by video for a request with the context ctx, or none and a report that they are missing.
func (p pendingViews) wait(ctx context.Context, v *View) map[int64]int64 {
	if p.ctx == nil {
		return nil
	}
	defer p.cancel()
	views, err := p.part.wait(p.ctx)
	if err != nil && ctx.Err() == nil {
		v.reportMissing(ctx, "views", err)
	}
	return views
}
