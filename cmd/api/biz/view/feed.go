package view

import (
	"context"
	"slices"
	"sync"

	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// firstPagesInFlight is how many first pages of the feed are composed at a time.
const firstPagesInFlight = 1

// FeedPage is a page of the feed. It may be shared: it must not be changed.
type FeedPage struct {
	Videos []Video
	// NextBeforeMs is the publish time from which the next page goes on, in milliseconds since 1970.
	NextBeforeMs int64
	shared       *sharedPage
}

// sharedPage is what the requests for a page share: the page as a visitor sees it, uncut, and what was made of it.
type sharedPage struct {
	videos []Video
	made   sync.Map
}

// Made is what something makes of all videos of the page as a visitor sees them, by a key. Those who share the page make it once; one
// who sees less of it sees the first ones.
func (p *FeedPage) Made(key string, something func(videos []Video) any) any {
	once, _ := p.shared.made.LoadOrStore(key, sync.OnceValue(func() any { return something(p.shared.videos) }))
	made, _ := once.(func() any)
	return made()
}

// firstPage is the first page as a visitor sees it, which concurrent requests share, and what one viewer sees in another way.
type firstPage struct {
	*FeedPage
	state viewerState
}

// Feed is one page of all videos, newest first: those published before beforeMs, in milliseconds since 1970, or from the newest
// on with 0; at most limit videos, 0 for the usual number. 5 calls in 2 steps, 6 with views. Concurrent requests for the
// first page share it, unless they want more than that number; it is never from before the request.
func (v *View) Feed(ctx context.Context, viewer, beforeMs int64, limit int32) (*FeedPage, error) {
	if limit == 0 {
		limit = v.feedSize
	}
	if beforeMs == 0 && limit <= v.feedSize {
		p, err := v.firstPage.Start(ctx, viewer).Wait(ctx)
		if err != nil {
			return nil, err
		}
		page := p.cut(int(limit))
		if viewer == 0 {
			return page, nil
		}
		own := &FeedPage{Videos: slices.Clone(page.Videos), NextBeforeMs: page.NextBeforeMs, shared: page.shared}
		p.state.apply(own.Videos)
		return own, nil
	}
	r, err := v.clients.Video.Feed(ctx, &video.FeedRequest{BeforeMs: beforeMs, Limit: limit})
	if err != nil {
		return nil, err
	}
	videos, err := v.Videos(ctx, viewer, r.Videos)
	return &FeedPage{Videos: videos, NextBeforeMs: r.NextBeforeMs, shared: &sharedPage{videos: videos}}, err
}

// cut is the page with at most limit videos.
func (p *FeedPage) cut(limit int) *FeedPage {
	if len(p.Videos) <= limit {
		return p
	}
	return &FeedPage{Videos: p.Videos[:limit], NextBeforeMs: p.Videos[limit-1].PublishedAtMs, shared: p.shared}
}

// maxViewers is how many viewers can share a first page: each needs the state of its videos and of their authors.
func (v *View) maxViewers() int {
	return min(common.MAX_BATCH, interaction.MAX_VIEWER_IDS/(2*int(max(v.feedSize, 1))))
}

// shareFirstPage lets concurrent requests share the first page.
func (v *View) shareFirstPage() *coalesce.Coalescer[int64, firstPage] {
	return coalesce.New(firstPagesInFlight, v.maxViewers(), func(int64) int { return 1 }, v.loadFirstPage)
}

// loadFirstPage composes the first page for concurrent requests, each given by its viewer.
func (v *View) loadFirstPage(ctx context.Context, requests []int64) ([]firstPage, error) {
	r, err := v.clients.Video.Feed(ctx, &video.FeedRequest{Limit: v.feedSize})
	if err != nil {
		return nil, err
	}
	viewers := slices.Clone(requests)
	slices.Sort(viewers)
	viewers = slices.DeleteFunc(slices.Compact(viewers), func(id int64) bool { return id == 0 })
	videos, states, err := v.composeVideos(ctx, viewers, r.Videos, v.startViews(ctx, idsOf(r.Videos)))
	if err != nil {
		return nil, err
	}
	page := &FeedPage{Videos: videos, NextBeforeMs: r.NextBeforeMs, shared: &sharedPage{videos: videos}}
	answers := make([]firstPage, len(requests))
	for i, viewer := range requests {
		answers[i].FeedPage = page
		if at, ok := slices.BinarySearch(viewers, viewer); ok {
			answers[i].state = states[at]
		}
	}
	return answers, nil
}
