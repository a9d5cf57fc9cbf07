// Package rpctest has the answers of services from memory, for benchmarks of what is put together from them.
package rpctest

import (
	"fmt"

	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/video"
)

// flags is how many of a viewer query's ids the viewer likes or follows: the first ones.
const flags = 3

// Feed is a page of n videos by as many authors, whose ids count from 1.
func Feed(n int) *video.FeedResponse {
	resp := &video.FeedResponse{Videos: make([]*video.Video, n), NextBeforeMs: 1_763_000_000_000}
	for i := range resp.Videos {
		resp.Videos[i] = &video.Video{
			Id: int64(1000 + i), AuthorId: int64(1 + i), Title: fmt.Sprint("what is to be seen in video ", i),
			PlayKey: fmt.Sprintf("videos/%032x.mp4", i), CoverKey: fmt.Sprintf("covers/%032x.jpg", i),
		}
	}
	return resp
}

// Stats are counters of all that is asked for. A viewer query needs three videos at least, of which the first three are liked.
func Stats(r *interaction.MGetStatsRequest) *interaction.MGetStatsResponse {
	resp := &interaction.MGetStatsResponse{
		Videos: make(map[int64]*interaction.VideoStats, len(r.VideoIds)), Users: make(map[int64]*interaction.UserStats, len(r.UserIds)),
	}
	for _, id := range r.VideoIds {
		resp.Videos[id] = &interaction.VideoStats{FavoriteCount: id, CommentCount: id}
	}
	for _, id := range r.UserIds {
		resp.Users[id] = &interaction.UserStats{TotalFavorited: id, FavoriteCount: id}
	}
	for _, l := range r.ViewerQueries {
		resp.ViewerStates = append(resp.ViewerStates, &interaction.ViewerState{FavoriteIds: l.VideoIds[:flags]})
	}
	return resp
}

// Relations are counters of all users asked for. A viewer query needs three users at least, of whom the first three are followed.
func Relations(r *social.MGetRelationsRequest) *social.MGetRelationsResponse {
	resp := &social.MGetRelationsResponse{Relations: make(map[int64]*social.Relation, len(r.UserIds))}
	for _, id := range r.UserIds {
		resp.Relations[id] = &social.Relation{FollowCount: id, FollowerCount: id}
	}
	for _, l := range r.ViewerQueries {
		resp.ViewerStates = append(resp.ViewerStates, &social.ViewerState{FollowedIds: l.UserIds[:flags]})
	}
	return resp
}
