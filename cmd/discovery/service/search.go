package service

import (
	"context"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/visible"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

const (
	// searchPage is how many hits a page has when nobody says otherwise.
	searchPage = 30
	// searchRounds is how often a page is filled up when hits were left out. Then it is shorter, and goes on.
	searchRounds = 5
)

// Search implements discovery.DiscoveryService. Hits whose rows are gone, and those that the viewer may not see, are left out, and others
// come in their place.
func (s *Service) Search(ctx context.Context, req *discovery.SearchRequest) (*discovery.SearchResponse, error) {
	text, err := searchText(req.Text)
	if err != nil {
		return nil, err
	}
	kind := index.Kind(req.Kind) //nolint:gosec // checked next; a greater one is none of these either
	if req.Kind < discovery.SearchKind_VIDEOS || req.Kind > discovery.SearchKind_TAGS {
		return nil, errno.InvalidArgument.With("it can't search for that kind")
	}
	page := req.Page
	if page == nil {
		page = &common.Page{}
	}
	limit, err := paging.Limit(page.Limit, searchPage, index.MaxLimit)
	if err != nil {
		return nil, err
	}
	resp := &discovery.SearchResponse{}
	q := index.Query{Kind: kind, Text: text, After: page.Cursor}
	err = s.searches.turn(ctx, kindName(kind), req.ViewerId, func(ctx context.Context) (bool, error) {
		resp.Hits, resp.NextCursor, err = s.hits(ctx, q, limit, req.ViewerId)
		return len(resp.Hits) > 0, err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func kindName(k index.Kind) string {
	switch k {
	case index.Videos:
		return "videos"
	case index.Users:
		return "users"
	case index.Tags:
	}
	return "tags"
}

// hits are one page, and the cursor of the next one; empty at the end.
func (s *Service) hits(ctx context.Context, q index.Query, limit int, viewerID int64) (out []*discovery.Hit, next string, err error) {
	for range searchRounds {
		// One more than needed is asked for, so that the last page is known as such.
		q.Limit = min(limit-len(out)+1, index.MaxLimit)
		found, err := s.searches.engine.Search(ctx, q)
		if err != nil {
			return nil, "", err
		}
		shown, err := s.shown(ctx, q, found, viewerID)
		if err != nil {
			return nil, "", err
		}
		for i, hit := range found {
			if len(out) == limit {
				return out, q.After, nil
			}
			if shown[i] != nil {
				out = append(out, shown[i])
			}
			q.After = hit.Cursor
		}
		if len(found) < q.Limit {
			return out, "", nil
		}
		if len(out) == limit {
			break // there may be no more, which the next page tells
		}
	}
	return out, q.After, nil
}

// shown are hits with what is highlighted, by the index in found; nil is not shown. It costs one statement, and one call of the hook.
func (s *Service) shown(ctx context.Context, q index.Query, found []index.Hit, viewerID int64) ([]*discovery.Hit, error) {
	out := make([]*discovery.Hit, len(found))
	if q.Kind == index.Tags {
		counts, err := s.tagCountsOf(ctx, found)
		for i, h := range found {
			if n, ok := counts[h.Tag]; ok {
				out[i] = &discovery.Hit{Tag: h.Tag, VideoCount: n, Spans: spans(q, h.Tag)}
			}
		}
		return out, err
	}
	ids := make([]int64, len(found))
	for i, h := range found {
		ids[i] = h.ID
	}
	if q.Kind == index.Users {
		users, err := s.visibleUsers(ctx, ids, viewerID)
		for i, id := range ids {
			if u, ok := users[id]; ok {
				out[i] = &discovery.Hit{Id: id, Spans: spans(q, u.Name), ShownNameSpans: spans(q, u.ShownName)}
			}
		}
		return out, err
	}
	videos, err := s.visibleVideos(ctx, ids, viewerID)
	for i, id := range ids {
		if v, ok := videos[id]; ok {
			out[i] = &discovery.Hit{Id: id, Spans: spans(q, v.Title)}
		}
	}
	return out, err
}

// tagCountsOf are how many videos have the tags that were found; one that nobody uses any more is missing.
func (s *Service) tagCountsOf(ctx context.Context, found []index.Hit) (map[string]int64, error) {
	tags := make([]string, len(found))
	for i, h := range found {
		tags[i] = h.Tag
	}
	return s.store.TagCounts(ctx, tags)
}

// visibleVideos are the rows of those videos that the viewer may see.
func (s *Service) visibleVideos(ctx context.Context, ids []int64, viewerID int64) (map[int64]db.Video, error) {
	rows, err := s.store.FoundVideos(ctx, ids)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	refs := make([]visible.Ref, 0, len(rows))
	for _, v := range rows {
		refs = append(refs, visible.Ref{VideoID: v.ID, AuthorID: v.AuthorID})
	}
	if refs, err = s.visible.Videos(ctx, viewerID, refs); err != nil {
		return nil, err
	}
	seen := make(map[int64]db.Video, len(refs))
	for _, r := range refs {
		seen[r.VideoID] = rows[r.VideoID]
	}
	return seen, nil
}

// visibleUsers are the rows of those users that the viewer may see.
func (s *Service) visibleUsers(ctx context.Context, ids []int64, viewerID int64) (map[int64]db.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	ids, err := s.visible.Users(ctx, viewerID, ids)
	if err != nil {
		return nil, err
	}
	return s.store.FoundUsers(ctx, ids)
}

// spans are the parts of a text that fit.
func spans(q index.Query, of string) []*discovery.Span {
	var out []*discovery.Span
	for _, at := range index.Spans(q.Text, q.Complete, of) {
		out = append(out, &discovery.Span{Start: int32(at.Start), Length: int32(at.Length)}) //nolint:gosec // some hundred at most
	}
	return out
}
