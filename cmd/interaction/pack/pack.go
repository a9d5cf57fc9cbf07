// Package pack turns rows into answers.
package pack

import (
	"strconv"
	"strings"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/cmd/interaction/dal/db"
	"tiktok/kitex_gen/interaction"
)

// Comment is the answer's form of a row. Whether it is pinned, and liked, is another row's.
func Comment(row db.Comment) *interaction.Comment {
	c := &interaction.Comment{
		Id:               row.ID,
		VideoId:          row.VideoID,
		UserId:           row.UserID,
		Content:          row.Content,
		CreatedAtMs:      row.CreatedAtMs,
		RootId:           row.RootID,
		ReplyToId:        row.ReplyToID,
		ReplyToUserId:    row.ReplyToUserID,
		MentionedUserIds: Mentions(row),
		LikeCount:        row.LikeCount,
	}
	if row.RootID == 0 {
		c.ReplyCount = row.ReplyCount
	}
	return c
}

// Comments keeps the order of the rows. It is never nil.
func Comments(rows []db.Comment) []*interaction.Comment {
	out := make([]*interaction.Comment, 0, len(rows))
	for _, row := range rows {
		out = append(out, Comment(row))
	}
	return out
}

// Mentions are the users whom a comment mentions.
func Mentions(row db.Comment) []int64 {
	if row.Mentions == "" {
		return nil
	}
	var ids []int64
	for text := range strings.SplitSeq(row.Mentions, ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// VideoIDs are the videos of likes, in the order of the rows. It is never nil.
func VideoIDs(rows []db.Favorite) []int64 {
	out := make([]int64, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.VideoID)
	}
	return out
}

// VideoStats makes one message for each id, zero where there are no counters.
func VideoStats(ids []int64, counts map[int64]cache.VideoStats) map[int64]*interaction.VideoStats {
	out, all := make(map[int64]*interaction.VideoStats, len(ids)), make([]interaction.VideoStats, len(ids))
	for i, id := range ids {
		c := counts[id]
		all[i] = interaction.VideoStats{FavoriteCount: c.FavoriteCount, CommentCount: c.CommentCount}
		out[id] = &all[i]
	}
	return out
}

// UserStats makes one message for each id, zero where there are no counters.
func UserStats(ids []int64, counts map[int64]cache.UserStats) map[int64]*interaction.UserStats {
	out, all := make(map[int64]*interaction.UserStats, len(ids)), make([]interaction.UserStats, len(ids))
	for i, id := range ids {
		c := counts[id]
		all[i] = interaction.UserStats{TotalFavorited: c.TotalFavorited, FavoriteCount: c.FavoriteCount}
		out[id] = &all[i]
	}
	return out
}
