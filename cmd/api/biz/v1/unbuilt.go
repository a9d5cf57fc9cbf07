package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/errno"
)

// SearchVideos is not built yet.
func (a *API) SearchVideos(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// SearchUsers is not built yet.
func (a *API) SearchUsers(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// SearchTags is not built yet.
func (a *API) SearchTags(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// Suggest is not built yet.
func (a *API) Suggest(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// ListTrendingTags is not built yet.
func (a *API) ListTrendingTags(context.Context, *call.Call) (any, error) {
	return nil, errno.Unavailable
}

// GetTag is not built yet.
func (a *API) GetTag(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// ListTagVideos is not built yet.
func (a *API) ListTagVideos(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// ForYou is not built yet.
func (a *API) ForYou(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// FollowingFeed is not built yet.
func (a *API) FollowingFeed(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// HotFeed is not built yet.
func (a *API) HotFeed(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// AddWatches is not built yet.
func (a *API) AddWatches(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// ListHistory is not built yet.
func (a *API) ListHistory(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// DeleteHistory is not built yet.
func (a *API) DeleteHistory(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// DeleteHistoryItem is not built yet.
func (a *API) DeleteHistoryItem(context.Context, *call.Call) (any, error) {
	return nil, errno.Unavailable
}

// GetStatistics is not built yet.
func (a *API) GetStatistics(context.Context, *call.Call) (any, error) { return nil, errno.Unavailable }

// ListVideoStatistics is not built yet.
func (a *API) ListVideoStatistics(context.Context, *call.Call) (any, error) {
	return nil, errno.Unavailable
}
