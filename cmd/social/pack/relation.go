// Package pack turns rows into messages.
package pack

import (
	"tiktok/cmd/social/dal/db"
	"tiktok/kitex_gen/social"
)

// Relations makes one message for each id, zero where there are no counters.
func Relations(ids []int64, stats map[int64]db.Stats) map[int64]*social.Relation {
	out, all := make(map[int64]*social.Relation, len(ids)), make([]social.Relation, len(ids))
	for i, id := range ids {
		st := stats[id]
		all[i] = social.Relation{FollowCount: st.FollowCount, FollowerCount: st.FollowerCount}
		out[id] = &all[i]
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
