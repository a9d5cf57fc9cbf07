package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/discovery"
)

// ForYou is videos that are chosen for the viewer; without recommendations, the newest.
func (a *API) ForYou(ctx context.Context, in *call.Call) (any, error) {
	from, n, err := feedPage(in)
	if err != nil {
		return nil, err
	}
	p, err := a.view.ForYou(ctx, in.Viewer, from, n)
	if err != nil {
		return nil, err
	}
	return renderChosen(in.Base, p), nil
}

// FollowingFeed is the videos of those whom the viewer follows, newest first.
func (a *API) FollowingFeed(ctx context.Context, in *call.Call) (any, error) {
	return a.chosen(ctx, in, discovery.Feed_FOLLOWING)
}

// HotFeed is what everybody likes and watches to its end of late.
func (a *API) HotFeed(ctx context.Context, in *call.Call) (any, error) {
	return a.chosen(ctx, in, discovery.Feed_HOT)
}

func (a *API) chosen(ctx context.Context, in *call.Call, feed discovery.Feed) (any, error) {
	from, n, err := feedPage(in)
	if err != nil {
		return nil, err
	}
	p, err := a.view.Chosen(ctx, &discovery.FeedQuery{Feed: feed, ViewerId: in.Viewer, Cursor: from, Limit: n})
	if err != nil {
		return nil, err
	}
	return renderChosen(in.Base, p), nil
}

// feedPage is the page of a feed that is asked for; 0 is the usual number of videos.
func feedPage(in *call.Call) (from string, n int32, err error) {
	if from, err = cursor(in); err != nil {
		return "", 0, err
	}
	n, err = limit(in, 0)
	return from, n, err
}

// renderChosen renders a page with the reasons of its videos, in few pieces of memory; base starts its URLs.
func renderChosen(base string, p *view.ChosenPage) *model.FeedItemPage {
	var videos []*model.Video
	if p.Newest != nil {
		videos = renderFeed(base, p.Newest)
	} else {
		videos = renderVideos(base, p.Videos)
	}
	parts := make([]struct {
		item   model.FeedItem
		reason model.FeedReason
	}, len(videos))
	out := &model.FeedItemPage{Items: make([]*model.FeedItem, len(videos)), NextCursor: p.NextCursor}
	for i, v := range videos {
		x, why := &parts[i], &p.Reasons[i]
		x.reason.Kind = reasonName(why.Kind)
		switch why.Kind {
		case discovery.Reason_CO_LIKED:
			if why.Because != nil {
				x.reason.Video = renderRef(base, why.Because)
			}
		case discovery.Reason_TAG:
			x.reason.Tag = &why.Tag
		case discovery.Reason_FRESH, discovery.Reason_HOT, discovery.Reason_FOLLOWED, discovery.Reason_EXPLORE:
		}
		x.item = model.FeedItem{Video: v, Reason: &x.reason}
		out.Items[i] = &x.item
	}
	return out
}

// reasonName is the name of a reason; fresh, which needs no more words, for one that only later versions know.
func reasonName(r discovery.Reason) string {
	switch r {
	case 0:
		return "newest"
	case discovery.Reason_HOT:
		return "hot"
	case discovery.Reason_FOLLOWED:
		return "followed"
	case discovery.Reason_CO_LIKED:
		return "co_liked"
	case discovery.Reason_TAG:
		return "tag"
	case discovery.Reason_EXPLORE:
		return "explore"
	case discovery.Reason_FRESH:
	}
	return "fresh"
}
