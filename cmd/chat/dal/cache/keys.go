// Package cache says how the service's data is kept in the cache: keys and times to live.
package cache

import (
	"encoding/binary"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/kv"
)

// lastTTL also bounds how long a message may stay unseen when a process dies between its commit and the
// invalidation after it.
const lastTTL = 10 * time.Second

// LastKey is the key of a conversation's newest message.
func LastKey(k db.Key) string {
	return "tt:chat:last:v2:{" + strconv.FormatInt(k.Low, 10) + "-" + strconv.FormatInt(k.High, 10) + "}"
}

// Last is the newest message of a conversation.
type Last struct{ db.Message }

// AppendBinary is for the cache.
func (l Last) AppendBinary(b []byte) ([]byte, error) {
	for _, n := range []int64{l.LowID, l.HighID, l.CreatedAtMs, l.ID, l.FromUserID} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return append(b, l.Content...), nil
}

// UnmarshalBinary is for the cache. It fails with kv.ErrBadBytes.
func (l *Last) UnmarshalBinary(b []byte) error {
	for _, field := range []*int64{&l.LowID, &l.HighID, &l.CreatedAtMs, &l.ID, &l.FromUserID} {
		n, rest, err := kv.ReadUvarint(b)
		if err != nil {
			return err
		}
		*field, b = int64(n), rest
	}
	l.Content = string(b)
	return nil
}

// LastOptions are the options of the cache of newest messages. Conversations without messages are as common as
// others, so their absence is kept as long.
func LastOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[db.Key, Last] {
	return kv.Options[db.Key, Last]{
		Kind: "chat_last", Key: LastKey, TTL: lastTTL, NegativeTTL: lastTTL, Size: func(l Last) int { return len(l.Content) },
		Log: log, Metrics: metrics,
	}
}
