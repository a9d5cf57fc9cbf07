// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"slices"
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
	return "tt:social:stats:v1:{" + strconv.FormatInt(userID, 10) + "}"
}

// MaxFollowed is of how many a user's followed ones are held. Who follows more is looked up pair by pair.
const MaxFollowed = 500

// Followed are the users whom one user follows.
type Followed struct {
	// UserIDs are in order.
	UserIDs []int64
	// More says that there are too many to hold; then UserIDs is empty.
	More bool
}

// Has reports whether the user is among them.
func (f Followed) Has(userID int64) bool {
	_, ok := slices.BinarySearch(f.UserIDs, userID)
	return ok
}

func (f Followed) size() int { return 8 * cap(f.UserIDs) }

// AppendBinary is for the cache.
func (f Followed) AppendBinary(b []byte) ([]byte, error) {
	if f.More {
		return append(b, 1), nil
	}
	return kv.AppendIDs(append(b, 0), f.UserIDs), nil
}

// UnmarshalBinary is for the cache.
func (f *Followed) UnmarshalBinary(b []byte) (err error) {
	if len(b) == 0 || b[0] > 1 {
		return kv.ErrBadBytes
	}
	if f.More = b[0] == 1; f.More {
		return nil
	}
	f.UserIDs, _, err = kv.ReadIDs(b[1:])
	return err
}

// FollowedKey is the key of whom a user follows.
func FollowedKey(userID int64) string {
	return "tt:social:followed:v2:{" + strconv.FormatInt(userID, 10) + "}"
}

// FollowedOptions are the options of the typed cache of whom users follow.
func FollowedOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, Followed] {
	return kv.Options[int64, Followed]{Kind: "followed", Key: FollowedKey, TTL: statsTTL, Size: Followed.size, Log: log, Metrics: metrics}
}

// Stats are the options of the typed cache of counters.
func Stats(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, db.Stats] {
	return kv.Options[int64, db.Stats]{Kind: "social_stats", Key: StatsKey, TTL: statsTTL, NegativeTTL: statsTTL, Log: log, Metrics: metrics}
}
