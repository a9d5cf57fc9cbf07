package kv

import (
	"encoding"
	"fmt"
	"math/rand/v2"

	"github.com/bytedance/sonic"
)

// Stored values begin with one of these.
const (
	tagValue     = 'v' // followed by JSON
	tagBinary    = 'b' // followed by what the value's type makes of it
	tagNone      = 'n' // there is no such id
	tagTombstone = 't' // followed by a token: what was here is old
)

type state int

const (
	stateMissing state = iota // nothing, or a tombstone
	stateValue
	stateNone
)

func decode[T any](b []byte) (value T, s state, err error) {
	if len(b) == 0 {
		return value, stateMissing, nil
	}
	switch b[0] {
	case tagValue:
		if err := sonic.Unmarshal(b[1:], &value); err != nil {
			return value, stateMissing, fmt.Errorf("kv: decode cached %T: %w", value, err)
		}
		return value, stateValue, nil
	case tagBinary:
		u, ok := any(&value).(encoding.BinaryUnmarshaler)
		if !ok {
			return value, stateMissing, fmt.Errorf("kv: decode cached %T: it has no binary form", value)
		}
		if err := u.UnmarshalBinary(b[1:]); err != nil {
			return value, stateMissing, fmt.Errorf("kv: decode cached %T: %w", value, err)
		}
		return value, stateValue, nil
	case tagNone:
		return value, stateNone, nil
	case tagTombstone:
		return value, stateMissing, nil
	default:
		return value, stateMissing, fmt.Errorf("kv: decode cached %T: unknown tag %q", value, b[0])
	}
}

func encode[T any](value T) ([]byte, error) {
	if a, ok := any(value).(encoding.BinaryAppender); ok {
		b, err := a.AppendBinary([]byte{tagBinary})
		if err != nil {
			return nil, fmt.Errorf("kv: encode %T: %w", value, err)
		}
		return b, nil
	}
	b, err := sonic.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("kv: encode %T: %w", value, err)
	}
	return append([]byte{tagValue}, b...), nil
}

// tombstone makes a value that no other call makes.
func tombstone() []byte {
	return fmt.Appendf(nil, "%c%016x%016x", tagTombstone, rand.Uint64(), rand.Uint64())
}

func isTombstone(b []byte) bool { return len(b) == 1+16+16 && b[0] == tagTombstone }
