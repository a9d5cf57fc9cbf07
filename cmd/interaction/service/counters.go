package service

import (
	"maps"
	"slices"

	"tiktok/cmd/interaction/dal/db"
)

// tally adds up what the counters of a batch change by.
type tally struct {
	videos map[int64]*db.VideoStats
	users  map[int64]*db.UserStats
}

// favorite counts that a like began or ended.
func (t *tally) favorite(row db.Favorite) {
	by := int64(-1)
	if row.Liked {
		by = 1
	}
	t.video(row.VideoID, row.AuthorID).FavoriteCount += by
	t.user(row.UserID).FavoriteCount += by
	t.user(row.AuthorID).TotalFavorited += by
}

// comment counts that a comment came or went.
func (t *tally) comment(row db.Comment, by int64) {
	t.video(row.VideoID, row.AuthorID).CommentCount += by
}

func (t *tally) video(videoID, authorID int64) *db.VideoStats {
	v := t.videos[videoID]
	if v == nil {
		v = &db.VideoStats{VideoID: videoID}
		t.videos[videoID] = v
	}
	v.AuthorID = max(v.AuthorID, authorID) // an old row does not say it; then the counters' row exists already
	return v
}

func (t *tally) user(userID int64) *db.UserStats {
	u := t.users[userID]
	if u == nil {
		u = &db.UserStats{UserID: userID}
		t.users[userID] = u
	}
	return u
}

// videoRows are the counters of the videos that something happened to, by id, also where that adds up to nothing.
func (t *tally) videoRows() (rows []db.VideoStats, videoIDs []int64) {
	videoIDs = slices.Sorted(maps.Keys(t.videos))
	for _, k := range videoIDs {
		rows = append(rows, *t.videos[k])
	}
	return rows, videoIDs
}

// userRows are the counters that change, by id.
func (t *tally) userRows() []db.UserStats {
	var rows []db.UserStats
	for _, k := range slices.Sorted(maps.Keys(t.users)) {
		if u := *t.users[k]; u.TotalFavorited != 0 || u.FavoriteCount != 0 {
			rows = append(rows, u)
		}
	}
	return rows
}
