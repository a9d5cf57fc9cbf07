// Package cache names and types what the service caches.
package cache

import "strconv"

// The keys of this service. The version is part of the key: a changed value type gets a new one, so that two builds can
// run side by side. The braces make the id the hash tag of Redis Cluster.

func videoStatsKey(id int64) string {
	return "tt:interaction:vstats:v1:{" + strconv.FormatInt(id, 10) + "}"
}

func userStatsKey(id int64) string {
	return "tt:interaction:ustats:v1:{" + strconv.FormatInt(id, 10) + "}"
}

func likesKey(userID int64) string {
	return "tt:interaction:likes:v4:{" + strconv.FormatInt(userID, 10) + "}"
}

// pendingMark is there while any list of pending events may hold something.
const pendingMark = "tt:interaction:pending:v1"

// PendingKey names one list of pending events. Every list is one user's.
type PendingKey struct {
	user     int64
	comments bool
}

// FavoritesBy is the list of a user's pending likes and unlikes.
func FavoritesBy(userID int64) PendingKey { return PendingKey{user: userID} }

// CommentsBy is the list of a user's pending comments and deletions.
func CommentsBy(userID int64) PendingKey { return PendingKey{user: userID, comments: true} }

// String is the list's key in the store.
func (k PendingKey) String() string {
	kind := "pfav:v2"
	if k.comments {
		kind = "pcom:v2"
	}
	return "tt:interaction:" + kind + ":{" + strconv.FormatInt(k.user, 10) + "}"
}
