package opensearch

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"tiktok/cmd/discovery/index"
)

// cursor is a place in the order of hits.
type cursor struct {
	fit  int
	rank float64
	key  string
}

const (
	cursorHead = 1 + 8
	// maxCursor bounds one, in bytes: keys are of tags, which are short.
	maxCursor = 2048
)

func (c cursor) String() string {
	b := append([]byte{byte(c.fit)}, make([]byte, 8)...)
	binary.BigEndian.PutUint64(b[1:], math.Float64bits(c.rank))
	return base64.RawURLEncoding.EncodeToString(append(b, c.key...))
}

// parseCursor returns nil for the empty one.
func parseCursor(kind index.Kind, s string) (*cursor, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // from the best
	}
	if len(s) > maxCursor {
		return nil, index.ErrBadQuery
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) <= cursorHead {
		return nil, index.ErrBadQuery
	}
	c := cursor{fit: int(b[0]), rank: math.Float64frombits(binary.BigEndian.Uint64(b[1:])), key: string(b[cursorHead:])}
	if c.fit < int(index.FitLoosely) || c.fit > int(index.FitWhole) ||
		math.IsNaN(c.rank) || c.rank < 0 || c.rank >= index.FitWeight || c.key[:1] != kindOf(kind) || !utf8.ValidString(c.key) {
		return nil, index.ErrBadQuery
	}
	if kind != index.Tags {
		if _, err := strconv.ParseInt(c.key[1:], 10, 64); err != nil {
			return nil, index.ErrBadQuery
		}
	}
	return &c, nil
}
