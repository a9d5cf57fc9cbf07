// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/social/dal/db"
	"tiktok/pkg/kv"
)

// statsTTL also bounds how long a counter may be shown wrong when a process dies between a commit and the invalidation
// after it. Users without counters are as common as others, so their absence is kept as long.
const statsTTL = time.Minute

// StatsKey is the key of a user's counters. Raise its version when the cached row changes its shape.
func StatsKey(userID int64) string {
	return "tt:social:stats:v2:{" + strconv.FormatInt(userID, 10) + "}"
}

// listTTL is as statsTTL: a list and its counter are old for as long.
const listTTL = statsTTL

// Most is how many entries of a list are cached. Whom a user follows is needed for the flags of every page that they read,
// and looked up pair by pair if they follow more; the other lists are only shown.
func Most(l db.List) int {
	if l == db.Following {
		return 500
	}
	return 100
}

// ListOptions are the options of the cache of one of the lists of users.
func ListOptions(l db.List, log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, kv.IDList] {
	kind, version := "followed", "v3"
	switch l {
	case db.Followers:
		kind, version = "followers", "v1"
	case db.Friends:
		kind, version = "friends", "v1"
	}
	key := func(userID int64) string {
		return "tt:social:" + kind + ":" + version + ":{" + strconv.FormatInt(userID, 10) + "}"
	}
	return kv.Options[int64, kv.IDList]{Kind: kind, Key: key, TTL: listTTL, Size: kv.IDList.Size, Log: log, Metrics: metrics}
}

// Stats are the options of the cache of counters.
func Stats(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, db.Stats] {
	return kv.Options[int64, db.Stats]{Kind: "social_stats", Key: StatsKey, TTL: statsTTL, NegativeTTL: statsTTL, Log: log, Metrics: metrics}
}
