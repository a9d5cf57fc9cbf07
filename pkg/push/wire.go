package push

import (
	"encoding/binary"
	"encoding/json"
	"errors"
)

// maxMessage is from which size on the hints of a channel go in another message, in bytes.
const maxMessage = 64 << 10

// A message is hints of users of one channel, each: the user's id and the length of the data as varints, the data.

// appendHint adds a hint to a message.
func appendHint(msg []byte, h Hint) []byte {
	msg = binary.AppendUvarint(msg, uint64(h.UserID)) //nolint:gosec // ids are positive
	msg = binary.AppendUvarint(msg, uint64(len(h.Data)))
	return append(msg, h.Data...)
}

// messages are those of a batch of hints: by channel, in order.
func messages(hints []Hint) (of [channels][][]byte) {
	for _, h := range hints {
		c := channelOf(h.UserID)
		if n := len(of[c]); n == 0 || len(of[c][n-1])+len(h.Data) > maxMessage {
			of[c] = append(of[c], nil)
		}
		last := &of[c][len(of[c])-1]
		*last = appendHint(*last, h)
	}
	return of
}

var errMessage = errors.New("push: a message is not readable")

// readHints calls each for every hint of a message, whose memory the data shares.
func readHints(msg []byte, each func(user int64, data json.RawMessage)) error {
	for len(msg) > 0 {
		user, n := binary.Uvarint(msg)
		if n <= 0 || int64(user) <= 0 { //nolint:gosec // checked here
			return errMessage
		}
		msg = msg[n:]
		size, n := binary.Uvarint(msg)
		if n <= 0 || size == 0 || size > uint64(len(msg)-n) {
			return errMessage
		}
		end := n + int(size)              //nolint:gosec // at most the message's length
		each(int64(user), msg[n:end:end]) //nolint:gosec // checked above
		msg = msg[end:]
	}
	return nil
}
