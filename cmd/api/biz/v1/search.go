package v1

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/text"
)

const (
	// maxQuery is the longest text that is searched for, in characters.
	maxQuery = 100
	// maxSuggestions and defaultSuggestions are for what completes a text.
	maxSuggestions, defaultSuggestions = 20, 10
	// searchTries is how often a search is tried while its answer is that there is no index: with several replicas, one may build its own
	// while the others serve. An answer after searchQuick is not of one that has none, but of one that is too slow, and the last.
	searchTries, searchQuick = 3, 250 * time.Millisecond
	// searchTimeout bounds a search: the service gives each two seconds, and who types does not wait longer for one that hangs.
	searchTimeout = 2500 * time.Millisecond
)

// untilIndexed makes a call within searchTimeout, again when a replica without an index has answered it.
func untilIndexed[R any](ctx context.Context, call func(ctx context.Context) (R, error)) (r R, err error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	began := time.Now()
	for range searchTries {
		r, err = call(ctx)
		if err == nil || !errno.From(err).Is(errno.SearchUnavailable) || time.Since(began) > searchQuick {
			break
		}
	}
	return r, searchError(err)
}

// queryText is the text that is searched for.
func queryText(in *call.Call) (string, error) {
	q, err := query(in, "q")
	if err != nil {
		return "", err
	}
	if q == "" {
		return "", missing("q")
	}
	return text.Rule{What: "text of q", Max: maxQuery, Lines: true}.Clean(q)
}

// search asks for a page of what fits q.
func (a *API) search(ctx context.Context, in *call.Call, kind discovery.SearchKind) (*discovery.SearchResponse, error) {
	q, err := queryText(in)
	if err != nil {
		return nil, err
	}
	page, err := page(in)
	if err != nil {
		return nil, err
	}
	req := &discovery.SearchRequest{Kind: kind, Text: q, ViewerId: in.Viewer, Page: page}
	return untilIndexed(ctx, func(ctx context.Context) (*discovery.SearchResponse, error) {
		return a.shared.Clients.Discovery.Search(ctx, req)
	})
}

// searchError is the error of a search that failed with err: one that got no answer is not available, as one without an index.
func searchError(err error) error {
	if err != nil && errno.From(err).Is(errno.Unavailable) {
		return fmt.Errorf("%w: %w", errno.SearchUnavailable, err)
	}
	return err
}

// SearchVideos is the videos that fit a text, the best first. A page has fewer than limit when some are gone.
func (a *API) SearchVideos(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.search(ctx, in, discovery.SearchKind_VIDEOS)
	if err != nil {
		return nil, err
	}
	ids, spans := make([]int64, len(r.Hits)), make(map[int64][]*discovery.Span, len(r.Hits))
	for i, hit := range r.Hits {
		ids[i], spans[hit.Id] = hit.Id, hit.Spans
	}
	videos, err := a.view.VideosByID(ctx, in.Viewer, ids)
	if err != nil {
		return nil, err
	}
	items := pack.Each(renderVideos(in.Base, videos), func(v **model.Video) *model.VideoHit {
		return &model.VideoHit{Video: *v, TitleSpans: spansIn((*v).Title, spans[(*v).ID])}
	})
	return &model.VideoHitPage{Items: items, NextCursor: r.NextCursor}, nil
}

// SearchUsers is the users who fit a text, the best first. A page has fewer than limit when some are gone.
func (a *API) SearchUsers(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.search(ctx, in, discovery.SearchKind_USERS)
	if err != nil {
		return nil, err
	}
	profiles, err := a.view.Profiles(ctx, in.Viewer, pack.Each(r.Hits, func(h **discovery.Hit) int64 { return (*h).Id }))
	if err != nil {
		return nil, err
	}
	out := &model.UserHitPage{Items: make([]*model.UserHit, 0, len(profiles)), NextCursor: r.NextCursor}
	for i := range profiles {
		if profiles[i].User == nil {
			continue
		}
		u, hit := renderUser(in.Base, &profiles[i]), r.Hits[i]
		out.Items = append(out.Items, &model.UserHit{
			User: u, NameSpans: spansIn(u.Name, hit.Spans), DisplayNameSpans: spansIn(u.DisplayName, hit.ShownNameSpans),
		})
	}
	return out, nil
}

// SearchTags is the tags that fit a text, the best first.
func (a *API) SearchTags(ctx context.Context, in *call.Call) (any, error) {
	r, err := a.search(ctx, in, discovery.SearchKind_TAGS)
	if err != nil {
		return nil, err
	}
	items := pack.Each(r.Hits, func(h **discovery.Hit) *model.Tag {
		return &model.Tag{Name: (*h).Tag, VideoCount: (*h).VideoCount}
	})
	return &model.TagPage{Items: items, NextCursor: r.NextCursor}, nil
}

// spansIn are those of spans, in ascending order, that are in the text as it is shown: it may have changed since it was indexed.
func spansIn(shown string, spans []*discovery.Span) []*model.TextSpan {
	out := make([]*model.TextSpan, 0, len(spans))
	if len(spans) == 0 {
		return out
	}
	end, length := int32(0), utf8.RuneCountInString(shown)
	for _, s := range spans {
		if s.Start < end || s.Length < 1 || int(s.Start)+int(s.Length) > length {
			continue
		}
		out = append(out, &model.TextSpan{Start: s.Start, Length: s.Length})
		end = s.Start + s.Length
	}
	return out
}

// Suggest completes a text. Users who are gone are left out.
func (a *API) Suggest(ctx context.Context, in *call.Call) (any, error) {
	q, err := queryText(in)
	if err != nil {
		return nil, err
	}
	n, err := number(in, "limit", defaultSuggestions, maxSuggestions)
	if err != nil {
		return nil, err
	}
	req := &discovery.SuggestRequest{Text: q, ViewerId: in.Viewer, Limit: n}
	r, err := untilIndexed(ctx, func(ctx context.Context) (*discovery.SuggestResponse, error) {
		return a.shared.Clients.Discovery.Suggest(ctx, req)
	})
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, s := range r.Suggestions {
		if s.Kind == discovery.SearchKind_USERS {
			ids = append(ids, s.UserId)
		}
	}
	profiles, err := a.view.Profiles(ctx, in.Viewer, ids)
	if err != nil {
		return nil, err
	}
	return &model.SuggestionList{Items: renderSuggestions(in.Base, r.Suggestions, profiles)}, nil
}

// renderSuggestions keeps the order; profiles are those of the users, in their order.
func renderSuggestions(base string, suggestions []*discovery.Suggestion, profiles []view.Profile) []*model.Suggestion {
	out := make([]*model.Suggestion, 0, len(suggestions))
	for _, s := range suggestions {
		item := &model.Suggestion{Text: s.Text}
		switch s.Kind {
		case discovery.SearchKind_VIDEOS:
			item.Kind = "video"
		case discovery.SearchKind_TAGS:
			item.Kind = "tag"
		case discovery.SearchKind_USERS:
			p := &profiles[0]
			profiles = profiles[1:]
			if p.User == nil {
				continue
			}
			item.Kind, item.User = "user", renderUser(base, p)
		default: // of a newer service
			continue
		}
		out = append(out, item)
	}
	return out
}
