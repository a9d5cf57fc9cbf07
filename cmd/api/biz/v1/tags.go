package v1

import (
	"context"
	"unicode/utf8"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/params"
	"tiktok/kitex_gen/discovery"
)

// maxTag is the longest tag, in characters.
const maxTag = 50

// pathTag is the tag in the path, as the client writes it.
func pathTag(in *call.Call) (string, error) {
	s := in.Request.Param("tag")
	if err := params.CheckText("tag", s); err != nil {
		return "", err
	}
	if utf8.RuneCountInString(s) > maxTag {
		return "", invalid("tag is longer than 50 characters")
	}
	return s, nil
}

func renderTag(t *discovery.Tag) *model.Tag {
	return &model.Tag{Name: t.GetTag(), VideoCount: t.GetVideoCount()}
}

// ListTrendingTags is the tags that are used and watched the most of late.
func (a *API) ListTrendingTags(ctx context.Context, _ *call.Call) (any, error) {
	r, err := a.shared.Clients.Discovery.ListTrendingTags(ctx, &discovery.ListTrendingTagsRequest{})
	if err != nil {
		return nil, err
	}
	return &model.TagPage{Items: pack.Each(r.Tags, func(t **discovery.Tag) *model.Tag { return renderTag(*t) })}, nil
}

// GetTag is a tag, also one that nobody uses.
func (a *API) GetTag(ctx context.Context, in *call.Call) (any, error) {
	tag, err := pathTag(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Discovery.GetTag(ctx, &discovery.GetTagRequest{Tag: tag})
	if err != nil {
		return nil, err
	}
	return renderTag(r.Tag), nil
}

// ListTagVideos is the videos with a tag, newest first. A page has fewer than limit when some are gone.
func (a *API) ListTagVideos(ctx context.Context, in *call.Call) (any, error) {
	tag, err := pathTag(in)
	if err != nil {
		return nil, err
	}
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	r, err := a.shared.Clients.Discovery.ListTagVideos(ctx, &discovery.ListTagVideosRequest{Tag: tag, ViewerId: in.Viewer, Page: page})
	if err != nil {
		return nil, err
	}
	videos, err := a.view.VideosByID(ctx, in.Viewer, r.VideoIds)
	if err != nil {
		return nil, err
	}
	return videoPage(in, videos, r.NextCursor), nil
}
