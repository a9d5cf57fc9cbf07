package cache

import (
	"encoding/binary"
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
	VideoIDs []int64
	// Recent are the places in VideoIDs, the most recent like first.
	Recent []uint16
	// Newest is the last event of the user's rows: ids from now on have to be later than what is shown.
	Newest int64
	// More says that there are too many to hold; then nothing else says anything.
	More bool
}

// Has reports whether the video is among them.
func (l Likes) Has(videoID int64) bool {
	_, ok := slices.BinarySearch(l.VideoIDs, videoID)
	return ok
}

func (l Likes) size() int { return 8*cap(l.VideoIDs) + 2*cap(l.Recent) }

// AppendBinary is for the cache.
func (l Likes) AppendBinary(b []byte) ([]byte, error) {
	if l.More {
		return append(b, 1), nil
	}
	b = binary.AppendUvarint(append(b, 0), uint64(l.Newest))
	b = kv.AppendIDs(b, l.VideoIDs)
	for _, at := range l.Recent {
		b = binary.AppendUvarint(b, uint64(at))
	}
	return b, nil
}

// UnmarshalBinary is for the cache.
func (l *Likes) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] > 1 {
		return kv.ErrBadBytes
	}
	if l.More = b[0] == 1; l.More {
		return nil
	}
	newest, b, err := kv.ReadUvarint(b[1:])
	if err != nil {
		return err
	}
	if l.VideoIDs, b, err = kv.ReadIDs(b); err != nil {
		return err
	}
	l.Newest, l.Recent = int64(newest), make([]uint16, len(l.VideoIDs))
	for i := range l.Recent {
		var at uint64
		if at, b, err = kv.ReadUvarint(b); err != nil {
			return err
		}
		if at >= uint64(len(l.VideoIDs)) {
			return kv.ErrBadBytes
		}
		l.Recent[i] = uint16(at)
	}
	return nil
}

// NewLikes returns the cache of who likes what in s. A nil log or metrics switches that off.
func NewLikes(s kv.Store, log *slog.Logger, metrics prometheus.Registerer) *kv.Typed[int64, Likes] {
	return kv.NewTyped(s, kv.Options[int64, Likes]{Kind: "likes", Key: likesKey, TTL: likesTTL, Size: Likes.size, Log: log, Metrics: metrics})
}
