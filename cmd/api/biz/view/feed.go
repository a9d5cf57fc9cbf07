package view

import (
	"context"
	"slices"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/pack"
	"tiktok/kitex_gen/video"
)

// pageFlights is how many first pages of the feed are put together at a time.
const pageFlights = 1

// page is the first page of the feed as everybody sees it. It is shared by all who asked for it at the same time.
type page struct {
	videos  []*video.Video
	next    int64
	people  people
	encoded map[string]*pack.FeedPage // by base
}

// newestAsk is one request for the first page.
type newestAsk struct {
	base   string
	viewer int64
}

// newest is the page and what the viewer sees otherwise.
type newest struct {
	*page
	eyes eyes
}

// Feed is one page of all videos, newest first: those published before beforeMs, 0 is from the newest. 5 calls in 2 steps.
//
// Nearly all requests are for the newest. What everybody sees of that page is put together and encoded once for all who
// wait for it, with the flags of each viewer, and never from before a request.
func (v *View) Feed(ctx context.Context, s Scope, beforeMs int64) (any, error) {
	if beforeMs != 0 {
		r, err := v.clients.Video.Feed(ctx, &video.FeedRequest{BeforeMs: beforeMs, Limit: v.feedSize})
		if err != nil {
			return nil, err
		}
		videos, err := v.Videos(ctx, s, r.Videos)
		if err != nil {
			return nil, err
		}
		return &api.FeedResponse{StatusMsg: pack.OK, VideoList: videos, NextTime: r.NextBeforeMs}, nil
	}
	p, err := v.newest.Start(ctx, newestAsk{s.Base, s.Viewer}).Wait(ctx)
	if err != nil {
		return nil, err
	}
	if e := p.eyes; len(e.videos)+len(e.users) == 0 {
		return p.encoded[s.Base].For(
			func(i int) bool { return e.liked.has(p.videos[i].Id) },
			func(i int) bool { return e.followed.has(p.videos[i].AuthorId) },
		), nil
	}
	return p.answer(s.Base, p.eyes), nil // with what he has pending
}

// buildNewest puts the page together once for all who asked, and encodes it for each base.
func (v *View) buildNewest(ctx context.Context, asked []newestAsk) ([]newest, error) {
	r, err := v.clients.Video.Feed(ctx, &video.FeedRequest{Limit: v.feedSize})
	if err != nil {
		return nil, err
	}
	p := &page{videos: r.Videos, next: r.NextBeforeMs, encoded: map[string]*pack.FeedPage{}}
	viewers := viewersOf(asked)
	var seen []eyes
	if len(r.Videos) > 0 {
		ids, authors := idsOf(r.Videos)
		if p.people, seen, err = v.wait(v.ask(ctx, viewers, authors, ids)); err != nil {
			return nil, err
		}
	}
	answers := make([]newest, len(asked))
	for i, a := range asked {
		answers[i].page = p
		if at, ok := slices.BinarySearch(viewers, a.viewer); ok && at < len(seen) {
			answers[i].eyes = seen[at]
		}
		if p.encoded[a.base] == nil {
			if p.encoded[a.base], err = pack.EncodeFeed(p.answer(a.base, eyes{})); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

// viewersOf are the users among those who ask, each once, in order.
func viewersOf(asked []newestAsk) []int64 {
	var viewers []int64
	for _, a := range asked {
		if a.viewer > 0 {
			viewers = append(viewers, a.viewer)
		}
	}
	slices.Sort(viewers)
	return slices.Compact(viewers)
}

func (p *page) answer(base string, e eyes) *api.FeedResponse {
	return &api.FeedResponse{StatusMsg: pack.OK, VideoList: p.people.compose(base, p.videos, e), NextTime: p.next}
}

// compose puts videos together, in the given order.
func (p *people) compose(base string, videos []*video.Video, e eyes) []*api.Video {
	out := make([]*api.Video, 0, len(videos))
	for _, x := range videos {
		out = append(out, p.video(base, x, e))
	}
	return out
}

// idsOf are the videos' ids and their authors, each once.
func idsOf(videos []*video.Video) (ids, authors []int64) {
	ids, authors = make([]int64, len(videos)), make([]int64, len(videos))
	for i, x := range videos {
		ids[i], authors[i] = x.Id, x.AuthorId
	}
	return distinct(ids), distinct(authors)
}
