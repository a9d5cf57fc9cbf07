// Package pack turns rows into answers.
package pack

import (
	"tiktok/cmd/interaction/dal/db"
	"tiktok/kitex_gen/interaction"
)

// Comment is the answer's form of a row.
func Comment(row db.Comment) *interaction.Comment {
	return &interaction.Comment{
		Id:          row.ID,
		VideoId:     row.VideoID,
		UserId:      row.UserID,
		Content:     row.Content,
		CreatedAtMs: row.CreatedAtMs,
	}
}

// Comments keeps the order of the rows. It is never nil.
func Comments(rows []db.Comment) []*interaction.Comment {
	out := make([]*interaction.Comment, 0, len(rows))
	for _, row := range rows {
		out = append(out, Comment(row))
	}
	return out
}

// VideoIDs are the videos of likes, in the order of the rows. It is never nil.
func VideoIDs(rows []db.Favorite) []int64 {
	out := make([]int64, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.VideoID)
	}
	return out
}
