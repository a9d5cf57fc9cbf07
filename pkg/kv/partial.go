package kv

import (
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// PartialError is the error of an operation that failed for some of its keys only: on a Cluster for those of a node that does not
// answer. The values of the other keys were read, and what was to be written to them was.
type PartialError struct {
	failed map[string]error
	first  error
	keys   int
}

// Error implements error.
func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d keys: %v", len(e.failed), e.keys, e.first)
}

// Unwrap returns the error of one of the keys.
func (e *PartialError) Unwrap() error { return e.first }

// ErrorOf is the error of one key of an operation that returned err: nil, if it failed for other keys only.
func ErrorOf(err error, key string) error {
	if partial, ok := errors.AsType[*PartialError](err); ok {
		return partial.failed[key]
	}
	return err
}

func isPartial(err error) bool {
	_, ok := errors.AsType[*PartialError](err)
	return ok
}

// among is err for an operation on some of its keys.
func among(err error, keys []string) error {
	if err == nil {
		return nil
	}
	var failed failures
	for _, k := range keys {
		if err := ErrorOf(err, k); err != nil {
			failed.add(k, err)
		}
	}
	return failed.partial(len(keys))
}

// failures collects the errors of keys.
type failures struct {
	failed map[string]error
	first  error
}

func (f *failures) add(key string, err error) {
	if errors.Is(err, redis.ErrClosed) {
		err = ErrClosed
	}
	if f.failed == nil {
		f.failed, f.first = make(map[string]error), err
	}
	f.failed[key] = err
}

// of is the error of an operation on so many keys: all that failed say why in one.
func (f *failures) of(keys int) error {
	if len(f.failed) == keys {
		return f.first
	}
	return f.partial(keys)
}

func (f *failures) partial(keys int) error {
	if len(f.failed) == 0 {
		return nil
	}
	return &PartialError{failed: f.failed, first: f.first, keys: keys}
}
