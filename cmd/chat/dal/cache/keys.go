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

// LastKey is the key of a conversation's newest messages.
func LastKey(k db.Key) string {
	return "tt:chat:last:v3:{" + strconv.FormatInt(k.Low, 10) + "-" + strconv.FormatInt(k.High, 10) + "}"
}

// Last is the newest message of a conversation, as each of its two users sees it: nearly always the same one.
type Last struct{ db.Newest }

// AppendBinary is for the cache.
func (l Last) AppendBinary(b []byte) ([]byte, error) {
	if l.Low == l.High {
		return appendMessage(append(b, 1), l.Low), nil
	}
	return appendMessage(appendMessage(append(b, 2), l.Low), l.High), nil
}

func appendMessage(b []byte, m db.Message) []byte {
	for _, n := range []int64{m.LowID, m.HighID, m.CreatedAtMs, m.ID, m.FromUserID, int64(len(m.Content))} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return append(b, m.Content...)
}

// UnmarshalBinary is for the cache. It fails with kv.ErrBadBytes.
func (l *Last) UnmarshalBinary(b []byte) (err error) {
	if len(b) == 0 {
		return kv.ErrBadBytes
	}
	both := b[0] == 1
	if l.Low, b, err = readMessage(b[1:]); err == nil && both {
		l.High = l.Low
	} else if err == nil {
		l.High, b, err = readMessage(b)
	}
	if err == nil && len(b) > 0 {
		err = kv.ErrBadBytes
	}
	return err
}

func readMessage(b []byte) (m db.Message, rest []byte, err error) {
	var size int64
	for _, field := range []*int64{&m.LowID, &m.HighID, &m.CreatedAtMs, &m.ID, &m.FromUserID, &size} {
		n, rest, err := kv.ReadUvarint(b)
		if err != nil {
			return m, nil, err
		}
		*field, b = int64(n), rest
	}
	if size < 0 || size > int64(len(b)) {
		return m, nil, kv.ErrBadBytes
	}
	m.Content = string(b[:size])
	return m, b[size:], nil
}

// LastOptions are the options of the cache of newest messages. Conversations without messages are as common as
// others, so their absence is kept as long.
func LastOptions(log *slog.Logger, metrics prometheus.Registerer) kv.Options[db.Key, Last] {
	return kv.Options[db.Key, Last]{
		Kind: "chat_last", Key: LastKey, TTL: lastTTL, NegativeTTL: lastTTL,
		Size: func(l Last) int { return len(l.Low.Content) + len(l.High.Content) },
		Log:  log, Metrics: metrics,
	}
}
