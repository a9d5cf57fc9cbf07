package view

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// chosenTimeout bounds a call for recommendations, so that with the newest videos instead a page takes less than a second.
const chosenTimeout = 750 * time.Millisecond

const (
	// followingTimeout bounds a page of Following, which nothing can stand in for; it is read from the store, not from a cache. Its call
	// ends a little earlier, so that the breaker knows before the next request.
	followingTimeout     = 2500 * time.Millisecond
	followingCallTimeout = followingTimeout - 100*time.Millisecond
	// maxFollowing bounds the pages of one call for it.
	maxFollowing = 16
)

// Reason is why a feed shows a video.
type Reason struct {
	// Kind is 0 for a video that is shown because it is one of the newest, while there are no recommendations.
	Kind discovery.Reason
	// Because is the video that the viewer likes, for CO_LIKED. It is nil when that is gone, and for others.
	Because *video.Video
	// Tag is for TAG.
	Tag string
}

// ChosenPage is a page of a feed that discovery chooses.
type ChosenPage struct {
	Videos []Video
	// Reasons are those of the videos, in their order.
	Reasons []Reason
	// NextCursor is for the next page, empty at the end.
	NextCursor string
	// Newest is the page of all videos that Videos are of, while there are no recommendations.
	Newest *FeedPage
}

// chosenCall is a call for pages of feeds.
type chosenCall = optionalCall[*discovery.FeedQuery, *discovery.FeedAnswer]

// loadChosen coalesces calls for pages, at most so many in one, and bounds each.
func loadChosen(c rpc.Clients, timeout time.Duration, most int) chosenCall {
	size := func(*discovery.FeedQuery) int { return 1 }
	return newOptionalCall(timeout, most, size,
		func(ctx context.Context, queries []*discovery.FeedQuery) ([]*discovery.FeedAnswer, error) {
			r, err := c.Discovery.MRecommend(ctx, &discovery.MRecommendRequest{Queries: queries})
			if err != nil {
				return nil, err
			}
			return r.Answers, nil
		})
}

// Chosen is one page of a feed that discovery chooses: 6 calls in 3 steps, 7 with views. Concurrent requests share them. Videos that are
// gone are left out. Fails with errno.InvalidArgument for a cursor of another feed, with errno.Unavailable without discovery.
func (v *View) Chosen(ctx context.Context, q *discovery.FeedQuery) (*ChosenPage, error) {
	calls, timeout := v.chosen, optionalTimeout
	if q.Feed == discovery.Feed_FOLLOWING {
		calls, timeout = v.following, followingTimeout
	}
	budget, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := choose(budget, calls, q)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = fmt.Errorf("%w: %w", errno.Unavailable, err)
	}
	if err != nil {
		return nil, err
	}
	return v.composeChosen(ctx, budget, q.ViewerId, answer)
}

// ForYou is one page of the videos chosen for a viewer, as Chosen is. Without recommendations it is one of all videos, newest first, and
// so are the pages after it; it does not wait for discovery longer than a second, and once it has, not at all until discovery answers.
func (v *View) ForYou(ctx context.Context, viewer int64, cursor string, limit int32) (*ChosenPage, error) {
	before, isNewest, err := newestFrom(cursor)
	if err != nil {
		return nil, err
	}
	if isNewest {
		return v.newest(ctx, v, viewer, before, limit)
	}
	budget, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	query := &discovery.FeedQuery{Feed: discovery.Feed_FOR_YOU, ViewerId: viewer, Cursor: cursor, Limit: limit}
	answer, err := choose(budget, v.chosen, query)
	switch {
	case ctx.Err() != nil || errors.Is(err, errno.InvalidArgument):
		return nil, err
	case err != nil:
		v.reportMissing(ctx, "recommendations", err)
	case cursor != "" || len(answer.Videos) > 0:
		return v.composeChosen(ctx, budget, viewer, answer)
	}
	without := v
	if v.plain != nil && err != nil { // who does not choose does not count views either, and would be waited for again
		without = v.plain
	}
	return v.newest(ctx, without, viewer, 0, limit)
}

// choose asks discovery for a page, within budget.
func choose(budget context.Context, calls chosenCall, q *discovery.FeedQuery) (*discovery.FeedAnswer, error) {
	// A page that a viewer has got is not on a later one, so the probe is for a visitor.
	answer, err := calls.startOrProbe(budget, q, &discovery.FeedQuery{Feed: discovery.Feed_FOR_YOU, Limit: 1}).wait(budget)
	switch {
	case err != nil:
		return nil, err
	case answer == nil:
		return nil, errno.Internal
	case answer.BadCursor:
		return nil, paging.ErrCursor()
	}
	return answer, nil
}

// composeChosen puts a page together. Discovery has answered; its views are waited for within budget.
func (v *View) composeChosen(ctx, budget context.Context, viewer int64, answer *discovery.FeedAnswer) (*ChosenPage, error) {
	page := &ChosenPage{NextCursor: answer.NextCursor}
	if len(answer.Videos) == 0 {
		return page, nil
	}
	ids := make([]int64, len(answer.Videos), 2*len(answer.Videos))
	for i, x := range answer.Videos {
		ids[i] = x.VideoId
	}
	views := v.startViews(budget, ids)
	for _, x := range answer.Videos {
		if x.BecauseOfVideoId != 0 {
			ids = append(ids, x.BecauseOfVideoId)
		}
	}
	found, err := v.videos.Start(ctx, coalesce.Distinct(ids)).Wait(ctx)
	if err != nil {
		views.cancel()
		return nil, err
	}
	videos := make([]*video.Video, 0, len(answer.Videos))
	page.Reasons = make([]Reason, 0, len(answer.Videos))
	for _, x := range answer.Videos {
		if shown := found[x.VideoId]; shown != nil {
			videos = append(videos, shown)
			page.Reasons = append(page.Reasons, Reason{Kind: x.Reason, Because: found[x.BecauseOfVideoId], Tag: x.Tag})
		}
	}
	page.Videos, err = v.videosOf(ctx, viewer, videos, views)
	return page, err
}

// newest is a page of all videos, put together by a View of the same calls.
func (v *View) newest(ctx context.Context, by *View, viewer, beforeMs int64, limit int32) (*ChosenPage, error) {
	p, err := by.Feed(ctx, viewer, beforeMs, limit)
	if err != nil {
		return nil, err
	}
	page := &ChosenPage{Videos: p.Videos, Reasons: make([]Reason, len(p.Videos)), Newest: p}
	if p.NextBeforeMs != 0 {
		page.NextCursor = newestPrefix + strconv.FormatInt(p.NextBeforeMs, 10)
	}
	return page, nil
}

// newestPrefix starts the cursors of pages without recommendations. A publish time follows, in milliseconds since 1970.
const newestPrefix = "newest-"

// newestFrom reads such a cursor; ok is false for another one.
func newestFrom(cursor string) (beforeMs int64, ok bool, err error) {
	text, ok := strings.CutPrefix(cursor, newestPrefix)
	if !ok {
		return 0, false, nil
	}
	beforeMs, err = strconv.ParseInt(text, 10, 64)
	if err != nil || beforeMs <= 0 || strconv.FormatInt(beforeMs, 10) != text {
		return 0, true, paging.ErrCursor()
	}
	return beforeMs, true, nil
}
