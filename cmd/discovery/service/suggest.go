package service

import (
	"context"
	"strings"

	"tiktok/cmd/discovery/index"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/paging"
	"tiktok/pkg/text"
)

const (
	// suggestions is how many there are when nobody says otherwise, maxSuggestions at most.
	suggestions, maxSuggestions = 10, 20
	// suggestedTitle is how many characters of a title are suggested.
	suggestedTitle = 40
)

// Suggest implements discovery.DiscoveryService: tags, people and titles in which the last word of the text goes on. After # there are
// tags only, after @ people.
func (s *Service) Suggest(ctx context.Context, req *discovery.SuggestRequest) (*discovery.SuggestResponse, error) {
	typed, err := searchText(req.Text)
	if err != nil {
		return nil, err
	}
	limit, err := paging.Limit(req.Limit, suggestions, maxSuggestions)
	if err != nil {
		return nil, err
	}
	kinds := []index.Kind{index.Tags, index.Users, index.Videos}
	switch {
	case strings.HasPrefix(typed, "#"), strings.HasPrefix(typed, "＃"):
		kinds = kinds[:1]
	case strings.HasPrefix(typed, "@"), strings.HasPrefix(typed, "＠"):
		kinds = kinds[1:2]
	}
	resp := &discovery.SuggestResponse{}
	err = s.searches.turn(ctx, "suggest", req.ViewerId, func(ctx context.Context) (bool, error) {
		var all [][]*discovery.Suggestion
		for _, kind := range kinds {
			q := index.Query{Kind: kind, Text: typed, Complete: true, Limit: limit}
			some, err := s.suggest(ctx, q, req.ViewerId)
			if err != nil {
				return false, err
			}
			all = append(all, some)
		}
		resp.Suggestions = mix(all, limit)
		return len(resp.Suggestions) > 0, nil
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// suggest are the suggestions of one kind, each text once.
func (s *Service) suggest(ctx context.Context, q index.Query, viewerID int64) ([]*discovery.Suggestion, error) {
	found, err := s.searches.engine.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	kind := discovery.SearchKind(q.Kind)
	if q.Kind == index.Tags {
		out := make([]*discovery.Suggestion, len(found))
		for i, h := range found {
			out[i] = &discovery.Suggestion{Kind: kind, Text: h.Tag}
		}
		return out, nil
	}
	ids := make([]int64, len(found))
	for i, h := range found {
		ids[i] = h.ID
	}
	var out []*discovery.Suggestion
	if q.Kind == index.Users {
		users, err := s.visibleUsers(ctx, ids, viewerID)
		for _, id := range ids {
			if u, ok := users[id]; ok {
				out = append(out, &discovery.Suggestion{Kind: kind, Text: u.Name, UserId: id})
			}
		}
		return out, err
	}
	videos, err := s.visibleVideos(ctx, ids, viewerID)
	seen := map[string]bool{}
	for _, id := range ids {
		title := strings.TrimSpace(text.First(videos[id].Title, suggestedTitle))
		if key := index.Fold(title); key != "" && !seen[key] {
			seen[key] = true
			out = append(out, &discovery.Suggestion{Kind: kind, Text: title})
		}
	}
	return out, err
}

// mix takes as many of each kind, by turns the best of each, and puts them kind by kind.
func mix(all [][]*discovery.Suggestion, limit int) []*discovery.Suggestion {
	taken := make([]int, len(all))
	for left, more := limit, true; left > 0 && more; {
		more = false
		for i := range all {
			if left > 0 && taken[i] < len(all[i]) {
				taken[i]++
				left--
				more = true
			}
		}
	}
	var out []*discovery.Suggestion
	for i, n := range taken {
		out = append(out, all[i][:n]...)
	}
	return out
}
