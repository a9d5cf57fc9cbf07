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

// PendingKey names one list of pending events.
type PendingKey string

// FavoritesBy is the list of a user's pending likes and unlikes.
func FavoritesBy(userID int64) PendingKey {
	return PendingKey("tt:interaction:pfav:v1:{" + strconv.FormatInt(userID, 10) + "}")
}

// CommentsOn is the list of the pending comments and deletions below a video.
func CommentsOn(videoID int64) PendingKey {
	return PendingKey("tt:interaction:pcom:v1:{" + strconv.FormatInt(videoID, 10) + "}")
}

// CommentsBy is the list of a user's own pending comments and deletions, without their texts.
func CommentsBy(userID int64) PendingKey {
	return PendingKey("tt:interaction:pown:v1:{" + strconv.FormatInt(userID, 10) + "}")
}
