// Package pack turns rows into messages.
package pack

import (
	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/social"
)

// Relations makes one message for each id, zero where there are no counters. following holds whom the viewer follows.
func Relations(ids []int64, stats map[int64]db.Stats, following map[int64]bool) map[int64]*social.Relation {
	out := make(map[int64]*social.Relation, len(ids))
	for _, id := range ids {
		st := stats[id]
		out[id] = &social.Relation{
			FollowCount:   st.FollowCount,
			FollowerCount: st.FollowerCount,
			IsFollow:      following[id],
		}
	}
	return out
}

// UserIDs takes the users out of list entries; never nil.
func UserIDs(entries []db.Entry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.UserID
	}
	return ids
}
