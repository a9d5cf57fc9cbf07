// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/kv"
)

const (
	// userTTL is long: a profile hardly ever changes, and an edit invalidates it.
	userTTL = 30 * time.Minute
	// noUserTTL is short: it only shields the database from repeated questions about ids that do not exist.
	noUserTTL = time.Minute
	// localTTL is how long another replica may show a profile to others as it was before an edit.
	localTTL = time.Second
	// nameTTL bounds how long a name leads to an account that does not exist any more.
	nameTTL = time.Minute
)

// UserKey is the key of a user's profile. Raise its version when the cached row changes its shape.
func UserKey(id int64) string { return "tt:user:card:v3:{" + strconv.FormatInt(id, 10) + "}" }

// Users are the options of the cache of profiles.
func Users(log *slog.Logger, metrics prometheus.Registerer) kv.Options[int64, db.User] {
	return kv.Options[int64, db.User]{
		Kind: "user_card", Key: UserKey, TTL: userTTL, NegativeTTL: noUserTTL, Local: localTTL, Size: size, Log: log, Metrics: metrics,
	}
}

func size(u db.User) int {
	return len(u.Username) + len(u.AvatarKey) + len(u.BackgroundKey) + len(u.Signature) + len(u.DisplayName)
}

// Names are the options of the cache of the ids behind names, in this process: a name stays with its account. Only names that
// exist are cached, so an account is found as soon as it is registered, through every replica.
func Names(log *slog.Logger, metrics prometheus.Registerer) kv.Options[string, int64] {
	return kv.Options[string, int64]{
		Kind: "user_name", InProcess: true, TTL: nameTTL, NegativeTTL: -1, Log: log, Metrics: metrics,
	}
}
