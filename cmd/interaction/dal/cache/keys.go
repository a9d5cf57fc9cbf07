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
