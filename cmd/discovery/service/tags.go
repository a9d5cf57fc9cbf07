package service

import (
	"context"
	"strconv"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/tags"
	"tiktok/cmd/discovery/visible"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/kv"
	"tiktok/pkg/paging"
)

const (
	// tagTTL is how old the number of a tag's videos may be, trendingTTL how old the list of the tags of the hour.
	tagTTL, trendingTTL = 2 * time.Second, 5 * time.Second
	// defaultTrending and maxTrending are how many tags of the hour are answered.
	defaultTrending, maxTrending = 20, 50
	// tagsSize is about how many bytes a list of tags has.
	tagsSize = 4096
)

// tagPages are what is cached of tags, in this process: it is small and the same for all.
type tagPages struct {
	tagCounts *kv.LoadingCache[string, int64]
	trending  *kv.LoadingCache[int64, []*discovery.Tag]
}

func newTagPages(d Deps) tagPages {
	return tagPages{
		tagCounts: kv.NewLoadingCache(d.Cache, kv.Options[string, int64]{
			Kind: "tag", InProcess: true, TTL: tagTTL, NegativeTTL: tagTTL, Key: func(tag string) string { return "tt:discovery:tag:v1:" + tag },
			Size: func(int64) int { return 0 }, Log: d.Tel.Log, Metrics: d.Tel.Registry,
		}, d.Store.TagCounts),
		trending: kv.NewLoadingCache(d.Cache, kv.Options[int64, []*discovery.Tag]{
			Kind: "trending", InProcess: true, TTL: trendingTTL, NegativeTTL: trendingTTL,
			Key:  func(n int64) string { return "tt:discovery:trending:v1:" + strconv.FormatInt(n, 10) },
			Size: func([]*discovery.Tag) int { return tagsSize }, Log: d.Tel.Log, Metrics: d.Tel.Registry,
		}, func(ctx context.Context, _ []int64) (map[int64][]*discovery.Tag, error) {
			return loadTrending(ctx, d.Store)
		}),
	}
}

// loadTrending reads the tags of the hour that some video still has.
func loadTrending(ctx context.Context, store *db.Store) (map[int64][]*discovery.Tag, error) {
	rows, err := store.TrendingTags(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Tag
	}
	counts, err := store.TagCounts(ctx, names)
	if err != nil {
		return nil, err
	}
	list := make([]*discovery.Tag, 0, len(rows))
	for _, r := range rows {
		if n := counts[r.Tag]; n > 0 {
			list = append(list, &discovery.Tag{Tag: r.Tag, VideoCount: n})
		}
	}
	return map[int64][]*discovery.Tag{0: list}, nil
}

// tagKey is a tag as it is kept, however it is written.
func tagKey(text string) (string, error) {
	tag, ok := tags.Key(text)
	if !ok {
		return "", errno.InvalidArgument.With("that is no tag")
	}
	return tag, nil
}

// GetTag reads how many videos have a tag: one look-up, mostly in this process.
func (s *Service) GetTag(ctx context.Context, req *discovery.GetTagRequest) (*discovery.GetTagResponse, error) {
	tag, err := tagKey(req.Tag)
	if err != nil {
		return nil, err
	}
	counts, err := s.tagCounts.GetMulti(ctx, []string{tag})
	if err != nil {
		return nil, err
	}
	return &discovery.GetTagResponse{Tag: &discovery.Tag{Tag: tag, VideoCount: counts[tag]}}, nil
}

// ListTagVideos reads one page of a tag in one statement. A page may be shorter than its limit, also empty, and not be the last one: what
// the viewer may not see is left out.
func (s *Service) ListTagVideos(ctx context.Context, req *discovery.ListTagVideosRequest) (*discovery.ListTagVideosResponse, error) {
	tag, err := tagKey(req.Tag)
	if err != nil {
		return nil, err
	}
	beforeMs, beforeID, limit, err := place(req.Page)
	if err != nil {
		return nil, err
	}
	store := s.store
	if req.Page != nil && req.Page.GetCursor() != "" {
		store = s.behind()
	}
	rows, err := store.TagPage(ctx, tag, beforeMs, beforeID, limit+1)
	if err != nil {
		return nil, err
	}
	resp := &discovery.ListTagVideosResponse{}
	rows, resp.NextCursor = paging.CutAt(rows, limit, func(v db.TagVideo) string { return paging.Cursor(v.PublishedMs, v.VideoID) })
	refs := make([]visible.Ref, len(rows))
	for i, v := range rows {
		refs[i].VideoID = v.VideoID
	}
	if refs, err = s.visible.Videos(ctx, req.ViewerId, refs); err != nil {
		return nil, err
	}
	resp.VideoIds = make([]int64, len(refs))
	for i, r := range refs {
		resp.VideoIds[i] = r.VideoID
	}
	return resp, nil
}

// ListTrendingTags reads the tags of the hour, mostly in this process.
func (s *Service) ListTrendingTags(
	ctx context.Context, req *discovery.ListTrendingTagsRequest,
) (*discovery.ListTrendingTagsResponse, error) {
	limit, err := paging.Limit(req.Limit, defaultTrending, maxTrending)
	if err != nil {
		return nil, err
	}
	lists, err := s.trending.GetMulti(ctx, []int64{0})
	if err != nil {
		return nil, err
	}
	return &discovery.ListTrendingTagsResponse{Tags: lists[0][:min(limit, len(lists[0]))]}, nil
}
