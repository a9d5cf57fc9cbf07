package cache

import (
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

const (
	// MaxLikes is for how many rows of likes, taken back ones included, a user's likes are held. Who has more is looked up
	// row by row.
	MaxLikes = 500
	// likesTTL only matters when an invalidation was lost with the cache itself.
	likesTTL = 2 * time.Minute
)

// Likes are the videos that a user likes.
type Likes struct {
	// VideoIDs are in order.
	VideoIDs []int64 `json:"v,omitempty"`
	// Recent are the places in VideoIDs, the most recent like first.
	Recent []uint16 `json:"r,omitempty"`
	// Newest is the last event of the user's rows: ids from now on have to be later than what is shown.
	Newest int64 `json:"n,omitempty"`
	// More says that there are too many to hold; then nothing else says anything.
	More bool `json:"m,omitempty"`
}

// Has reports whether the video is among them.
func (l Likes) Has(videoID int64) bool {
	_, ok := slices.BinarySearch(l.VideoIDs, videoID)
	return ok
}

func (l Likes) size() int { return 8*cap(l.VideoIDs) + 2*cap(l.Recent) }

// NewLikes returns the cache of who likes what in s. A nil log or metrics switches that off.
func NewLikes(s kv.Store, log *slog.Logger, metrics prometheus.Registerer) *kv.Typed[int64, Likes] {
	return kv.NewTyped(s, kv.Options[int64, Likes]{Kind: "likes", Key: likesKey, TTL: likesTTL, Size: Likes.size, Log: log, Metrics: metrics})
}
