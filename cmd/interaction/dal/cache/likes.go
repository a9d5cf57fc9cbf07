package cache

import (
	"encoding/binary"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/kv"
)

const (
	// MaxLikes is up to how many rows of likes, taken back ones included, a user's likes are cached. The likes of a user with
	// more are read row by row.
	MaxLikes = 500
	// likesTTL only matters when an invalidation was lost with the cache itself.
	likesTTL = 2 * time.Minute
)

// Likes are the videos that a user likes, the most recent like first.
type Likes struct {
	kv.IDList
	// Newest is the last event of the user's rows: ids from now on have to be later than what is shown.
	Newest int64
}

// AppendBinary is for the cache.
func (l Likes) AppendBinary(b []byte) ([]byte, error) {
	return l.IDList.AppendBinary(binary.AppendUvarint(b, uint64(l.Newest)))
}

// UnmarshalBinary is for the cache.
func (l *Likes) UnmarshalBinary(b []byte) error {
	newest, b, err := kv.ReadUvarint(b)
	if err != nil {
		return err
	}
	l.Newest = int64(newest)
	return l.IDList.UnmarshalBinary(b)
}

// NewLikes returns the cache of who likes what in s. A nil log or metrics switches that off.
func NewLikes(s kv.Store, log *slog.Logger, metrics prometheus.Registerer, load kv.Load[int64, Likes]) *kv.LoadingCache[int64, Likes] {
	return kv.NewLoadingCache(s, kv.Options[int64, Likes]{
		Kind: "likes", Key: likesKey, TTL: likesTTL, Size: func(l Likes) int { return l.Size() }, Log: log, Metrics: metrics,
	}, load)
}
