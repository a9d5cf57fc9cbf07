package kv

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Lists are bounded lists of entries in the order of their ids: sorted sets of Redis. Only the store of the redis driver
// has them: ask with a type assertion. Each method is one round trip, on a Cluster one to each node. The suite is
// kvtest.RunLists.
type Lists interface {
	// AddEntries adds entries to their lists and returns how long the list of each is then. A list keeps the max entries
	// with the greatest ids, and expires ttl after it was last added to. Adding twice is adding once. Each entry is added
	// in one step; after an error some may have been added.
	AddEntries(ctx context.Context, entries []Entry, max int, ttl time.Duration) (lengths []int, err error)
	// ReadLists reads whole lists: the values of each, by ascending id. The answer has the order of keys; a missing list is
	// empty. With a *PartialError the other lists are there.
	ReadLists(ctx context.Context, keys []string) ([][][]byte, error)
	// RemoveEntries removes the entries with these ids from their lists; missing ones are fine. Values are ignored.
	RemoveEntries(ctx context.Context, entries []Entry) error
}

// Entry is one entry of a list.
type Entry struct {
	// List is the key of the list.
	List string
	// ID orders the list: 0 to 2^53.
	ID int64
	// Value is never empty. No two entries of a list have the same.
	Value []byte
}

// addEntry runs on a Cluster: it has one key.
const addEntry = `redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local length, max = redis.call('ZCARD', KEYS[1]), tonumber(ARGV[3])
if length > max then length = length - redis.call('ZREMRANGEBYRANK', KEYS[1], 0, length - max - 1) end
return length`

// AddEntries implements Lists.
func (r *redisStore) AddEntries(ctx context.Context, entries []Entry, max int, ttl time.Duration) ([]int, error) {
	pipe, answers := r.redis.Client.Pipeline(), make([]*redis.Cmd, len(entries))
	for i, e := range entries {
		if e.List == "" || len(e.Value) == 0 || max < 1 || ttl < time.Millisecond {
			return nil, fmt.Errorf("%w: list %q, %d bytes, at most %d, TTL %v", ErrBadItem, e.List, len(e.Value), max, ttl)
		}
		answers[i] = pipe.Eval(ctx, addEntry, []string{e.List}, e.ID, e.Value, max, ttl.Milliseconds())
	}
	err := r.exec(ctx, pipe, func(i int) string { return entries[i].List })
	lengths := make([]int, len(entries))
	for i := 0; err == nil && i < len(entries); i++ {
		lengths[i], err = answers[i].Int()
	}
	return lengths, wrap("add to", len(entries), err)
}

// ReadLists implements Lists.
func (r *redisStore) ReadLists(ctx context.Context, keys []string) ([][][]byte, error) {
	pipe, answers := r.redis.Client.Pipeline(), make([]*redis.StringSliceCmd, len(keys))
	for i, k := range keys {
		answers[i] = pipe.ZRange(ctx, k, 0, -1)
	}
	err := r.exec(ctx, pipe, func(i int) string { return keys[i] })
	if err != nil && !isPartial(err) {
		return nil, wrap("read lists of", len(keys), err)
	}
	lists := make([][][]byte, len(keys))
	for i, a := range answers {
		for _, v := range a.Val() {
			lists[i] = append(lists[i], []byte(v))
		}
	}
	return lists, wrap("read lists of", len(keys), err)
}

// RemoveEntries implements Lists.
func (r *redisStore) RemoveEntries(ctx context.Context, entries []Entry) error {
	pipe := r.redis.Client.Pipeline()
	for _, e := range entries {
		id := strconv.FormatInt(e.ID, 10)
		pipe.ZRemRangeByScore(ctx, e.List, id, id)
	}
	return wrap("remove from", len(entries), r.exec(ctx, pipe, func(i int) string { return entries[i].List }))
}
