package kv

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/pkg/coalesce"
)

const (
	defaultTTL         = 5 * time.Minute
	defaultNegativeTTL = 30 * time.Second
	// defaultTombstoneTTL must be longer than a load may take from its beginning to its last write.
	defaultTombstoneTTL = 5 * time.Second
	defaultLoadTimeout  = 3 * time.Second
	// loadsInFlight is how many loads of a kind run at a time; misses that come meanwhile share the next one.
	loadsInFlight = 2
	// maxLoad is how many ids the misses that share a load have at most.
	maxLoad = 200
)

// Options sets up a LoadingCache whose ids are of type K and whose values are of type T.
type Options[K comparable, T any] struct {
	// Kind names what is cached, in metrics and logs: "user", "video_stats". Each kind of a store has a name of its own.
	Kind string
	// Key makes the store's key of an id. Two kinds must never make the same key.
	Key func(id K) string
	// TTL is how long a value may be served, ± 10 %. 0 means 5 minutes.
	TTL time.Duration
	// NegativeTTL is how long "there is no such id" may be served, ± 10 %. 0 means 30 seconds, negative means never.
	NegativeTTL time.Duration
	// Local is how long this process may serve a value that it has read from Redis or loaded, without asking again: a
	// second or two, for kinds that never or rarely change. 0 means not at all. See LoadingCache for what it costs.
	Local time.Duration
	// InProcess keeps values in this process only, whatever the store: for what never changes.
	InProcess bool
	// Size is about how many bytes a value points to, beside its own: its strings and slices, the struct behind a pointer.
	// What this process keeps is bounded by that. Nil means that values point to nothing.
	Size func(value T) int
	// Log gets a line, at most one a second, when the store fails. Nil: no log.
	Log *slog.Logger
	// Metrics gets cache_{hits,misses,joined,errors}_total with the label kind, hits with the level (local, store) too.
	// Several LoadingCache may share one. Nil: no metrics.
	Metrics prometheus.Registerer
}

// Load reads values by id from behind the cache. An id without a value is missing from the map. It must not change ids.
type Load[K comparable, T any] func(ctx context.Context, ids []K) (map[K]T, error)

// LoadingCache is a read-through cache of values of type T by ids of type K. It is safe for concurrent use. Over Redis values
// are kept as JSON, or in their own form if they are encoding.BinaryAppender and encoding.BinaryUnmarshaler; over the memory
// driver as they are, in this process.
//
// A value that a commit made old is not served after Invalidate has returned, by any process. How: concurrent misses share a
// load only before it begins (coalesce.Coalescer), so a load never began before a commit that its reader must see. And Invalidate
// does not delete, it writes a tombstone with a fresh token. A reader remembers what it found in the store before it loaded
// (nothing, or a tombstone), and the loaded value is stored only if exactly that is still there. So a slow reader that read
// before the commit cannot put its old value back. Tombstones live 5 seconds; a load is given up after 3. When a tombstone
// cannot be written, this process passes by the store for these ids and tries again until it is written or until all that
// could be stale has expired; only other processes that can reach the store while this one cannot may serve old values until
// then.
//
// With Options.Local the promise is weaker: after Invalidate has returned, this process serves nothing older, but
// another process may serve what it keeps until Options.Local has passed since it began to read it. So a renamed user
// may show under the old name there, a video with its old cover, and a deleted video may still be found by its id
// although no list has it any more. It is not for what must be seen at once, through whichever process, by who wrote
// it: counters, relations, flags; unless each read on their behalf says so with Refresh. Only values that exist are kept, so
// what was created is found at once everywhere.
//
// Over the memory driver there is no other process: values are kept as long as their TTL says, and that there is none, with
// the full promise. Several LoadingCache of a kind over one store share what they keep.
type LoadingCache[K comparable, T any] struct {
	store Store // nil: the level in this process is all there is
	kind  string
	key   func(K) string
	// ttl and negTTL are for what is in the store, local for what is in this process.
	ttl, negTTL time.Duration
	local       kindInProcess[K, T]
	load        Load[K, T]
	loads       *coalesce.Coalescer[[]miss[K], map[K]T]
	unconfirmed unconfirmed[K]
	metrics     metrics
	log         *occasionalLog

	tombstoneTTL, loadTimeout time.Duration
}

// miss is an id that the cache did not answer.
type miss[K comparable] struct {
	id K
	// found is what was in the store: "" is nothing, else a tombstone or bytes that could not be decoded.
	found string
	// storable means that the loaded value may be stored: what was in the store is known and to be trusted.
	storable bool
}

// NewLoadingCache returns a cache in s of what load reads.
func NewLoadingCache[K comparable, T any](s Store, o Options[K, T], load Load[K, T]) *LoadingCache[K, T] {
	if o.TTL <= 0 {
		o.TTL = defaultTTL
	}
	if o.NegativeTTL == 0 {
		o.NegativeTTL = defaultNegativeTTL
	}
	c := &LoadingCache[K, T]{
		store:        s,
		kind:         o.Kind,
		key:          o.Key,
		ttl:          o.TTL,
		negTTL:       o.NegativeTTL,
		load:         load,
		metrics:      newMetrics(o.Metrics, o.Kind),
		log:          &occasionalLog{log: o.Log},
		tombstoneTTL: defaultTombstoneTTL,
		loadTimeout:  defaultLoadTimeout,
	}
	size := func(_ K, value T) int {
		if o.Size == nil {
			return 0
		}
		return o.Size(value)
	}
	process, alone := processOf(s)
	noneTTL := time.Duration(0)
	if alone || o.InProcess {
		c.store, o.Local, noneTTL = nil, o.TTL, max(0, o.NegativeTTL)
	}
	c.local = newKindInProcess(process, o.Kind, o.Local, noneTTL, size)
	c.loads = coalesce.New(loadsInFlight, maxLoad, func(m []miss[K]) int { return len(m) }, c.loadMissing)
	return c
}

// GetMulti returns the values of ids; an id that does not exist is missing from the map. It costs one read of the store (none
// when this process has all ids), and, when something is missing, at most one load, which other callers may share, and one
// write. Ids may repeat. Ids that load does not answer are remembered as not existing. A failure
// of the store is not an error: everything is loaded. The error is that of load, or of ctx.
//
// Loads have the values of a caller's ctx but a deadline of their own. Nobody may change what the map's values point to:
// callers that shared a load, or were answered by this process, share them. The map itself is the caller's.
func (c *LoadingCache[K, T]) GetMulti(ctx context.Context, ids []K) (map[K]T, error) {
	ids = coalesce.Distinct(ids)
	out := make(map[K]T, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	missing := c.local.get(ids, out)
	c.metrics.local.Add(float64(len(ids) - len(missing)))
	if len(missing) == 0 {
		return out, nil
	}
	misses := c.read(ctx, missing, out)
	c.metrics.misses.Add(float64(len(misses)))
	if len(misses) == 0 {
		return out, nil
	}
	found, err := c.loads.Start(context.WithoutCancel(ctx), misses).Wait(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range misses {
		if value, ok := found[m.id]; ok {
			out[m.id] = value
		}
	}
	return out, nil
}

// Refresh makes the next GetMulti read ids from what all processes share, whatever this process keeps of them: it is for a
// reader who must see a commit of another process at once in spite of Options.Local. Where this process has the only cache of
// ids, it does nothing.
func (c *LoadingCache[K, T]) Refresh(ids ...K) {
	if c.store != nil {
		c.local.drop(ids)
	}
}

// read fills out with what the store answers and returns what it does not.
func (c *LoadingCache[K, T]) read(ctx context.Context, ids []K, out map[K]T) []miss[K] {
	if c.store == nil {
		return missAll(ids)
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = c.key(id)
	}
	reading := c.local.begin(ids)
	unconfirmed := c.unconfirmed.among(ids, nil)
	values, err := c.store.MGet(ctx, keys)
	if err != nil {
		if ctx.Err() == nil {
			c.failed("read", err)
		}
		if !isPartial(err) {
			return missAll(ids)
		}
	}
	// Looked up before and after the store: an id that is confirmed in between has got its tombstone, but the value may have
	// been read before that.
	unconfirmed = c.unconfirmed.among(ids, unconfirmed)
	var misses []miss[K]
	for i, id := range ids {
		if _, bad := unconfirmed[id]; bad || err != nil && ErrorOf(err, keys[i]) != nil {
			misses = append(misses, miss[K]{id: id})
			continue
		}
		value, state, err := decode[T](values[i])
		if err != nil {
			c.failed("decode", err)
		}
		switch state {
		case stateValue:
			out[id] = value
		case stateMissing:
			misses = append(misses, miss[K]{id: id, found: string(values[i]), storable: true})
		}
	}
	c.metrics.store.Add(float64(len(ids) - len(misses)))
	c.local.put(ids, reading, out)
	return misses
}

func missAll[K comparable](ids []K) []miss[K] {
	misses := make([]miss[K], len(ids))
	for i, id := range ids {
		misses[i].id = id
	}
	return misses
}

// loadMissing answers the misses of several callers with one load.
func (c *LoadingCache[K, T]) loadMissing(ctx context.Context, requests [][]miss[K]) ([]map[K]T, error) {
	misses, asked := union(requests)
	ids := make([]K, len(misses))
	for i, m := range misses {
		ids[i] = m.id
	}
	found := make(map[K]T, len(ids))
	ids = c.local.get(ids, found) // the load before this one may have had some
	c.metrics.joined.Add(float64(asked - len(ids)))
	if len(ids) > 0 {
		loaded, err := c.loadAndStore(ctx, ids, misses)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			found = loaded
		} else {
			maps.Copy(found, loaded)
		}
	}
	return slices.Repeat([]map[K]T{found}, len(requests)), nil
}

// union is the misses of all requests, one for each id, and how many there were.
func union[K comparable](requests [][]miss[K]) (misses []miss[K], asked int) {
	if len(requests) == 1 {
		return requests[0], len(requests[0])
	}
	at := make(map[K]int)
	for _, request := range requests {
		asked += len(request)
		for _, m := range request {
			if i, ok := at[m.id]; !ok {
				at[m.id] = len(misses)
				misses = append(misses, m)
			} else if m.storable {
				misses[i] = m // what the last one found in the store is the most likely to be still there
			}
		}
	}
	return misses, asked
}

// loadAndStore loads ids, some of misses in the same order, and keeps what it finds.
func (c *LoadingCache[K, T]) loadAndStore(ctx context.Context, ids []K, misses []miss[K]) (map[K]T, error) {
	start, reading := time.Now(), c.local.begin(ids)
	loadCtx, cancel := context.WithTimeout(ctx, c.loadTimeout)
	defer cancel()
	loaded, err := c.load(loadCtx, ids)
	if err != nil {
		return nil, err
	}
	c.local.put(ids, reading, loaded)
	// A load that outlived its deadline by far may have outlived a tombstone too.
	if c.store == nil || time.Since(start) > c.loadTimeout+(c.tombstoneTTL-c.loadTimeout)/4 {
		return loaded, nil
	}
	items := make([]Item, 0, len(ids))
	for i, m := 0, 0; i < len(ids); m++ {
		if misses[m].id != ids[i] {
			continue
		}
		// Not after an invalidation by this process: nobody knows whether the store still has its tombstone.
		if misses[m].storable && c.local.valid(ids[i], reading, i) {
			items = c.appendItem(items, misses[m], loaded)
		}
		i++
	}
	if len(items) > 0 {
		if err := c.store.Set(ctx, items); err != nil {
			c.failed("store", err)
			c.distrustLate(ids, err)
		}
	}
	return loaded, nil
}

// appendItem appends what is to be stored of a miss, on the condition that the store still holds what was found.
func (c *LoadingCache[K, T]) appendItem(items []Item, m miss[K], loaded map[K]T) []Item {
	it := Item{Key: c.key(m.id), IfAbsent: m.found == ""}
	if m.found != "" {
		it.IfValue = []byte(m.found)
	}
	value, ok := loaded[m.id]
	switch {
	case ok:
		b, err := encode(value)
		if err != nil {
			c.failed("encode", err)
			return items
		}
		it.Value, it.TTL = b, jitter(c.ttl)
	case c.negTTL < 0:
		return items
	default:
		it.Value, it.TTL = []byte{tagNone}, jitter(c.negTTL)
	}
	return append(items, it)
}

func (c *LoadingCache[K, T]) failed(op string, err error) {
	c.metrics.errors.Inc()
	c.log.failure("kind", c.kind, "op", op, "err", err)
}

// jitter spreads d by ± 10 %, so that what was stored together does not expire together.
func jitter(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)*(0.9+0.2*rand.Float64())))
}
