package kv

import (
	"context"
	"encoding"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/bytedance/sonic"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	defaultTTL         = 5 * time.Minute
	defaultNegativeTTL = 30 * time.Second
	// defaultTombstoneTTL must be longer than any load may take from its first read of the store to its last write.
	defaultTombstoneTTL = 5 * time.Second
	defaultLoadTimeout  = 3 * time.Second
)

// Options sets up a LoadingCache whose ids are of type K and whose values are of type T.
type Options[K comparable, T any] struct {
	// Kind names what is cached, in metrics and logs: "user", "video_stats".
	Kind string
	// Key makes the store's key of an id. Two kinds must never make the same key.
	Key func(id K) string
	// TTL is how long a value may be served, ± 10 %. 0 means 5 minutes.
	TTL time.Duration
	// NegativeTTL is how long "there is no such id" may be served, ± 10 %. 0 means 30 seconds, negative means never.
	NegativeTTL time.Duration
	// Local is how long this process may serve a value that it has read from the store or loaded, without asking again: a
	// second or two, for kinds that never or rarely change. 0 means not at all. See LoadingCache for what it costs.
	Local time.Duration
	// Size is about how many bytes a value points to, beside its own: its strings and slices, the struct behind a pointer.
	// What is held in this process is bounded by that. Nil means that values point to nothing.
	Size func(value T) int
	// Log gets a line, at most one a second, when the store fails. Nil: no log.
	Log *slog.Logger
	// Metrics gets cache_{hits,misses,joined,errors}_total with the label kind, hits with the level (local, store) too.
	// Several LoadingCache may share one. Nil: no metrics.
	Metrics prometheus.Registerer
}

// LoadingCache caches values of type T by ids of type K, as JSON, or in their own form if they are encoding.BinaryAppender and
// encoding.BinaryUnmarshaler. It is safe for concurrent use.
//
// A value that a commit made old is not served after Invalidate has returned, by any process. How: Invalidate does
// not delete, it writes a tombstone with a fresh token. A loader remembers what it found in the store before it loaded
// (nothing, or a tombstone), and stores its value only if exactly that is still there. So a slow reader that read
// before the commit cannot put its old value back. Two readers share one load only if they found the same thing,
// therefore nobody joins a load that may have begun before a commit that he must see. Tombstones live 5 seconds;
// a load is given up after 3. When a tombstone cannot be written, this process passes by the cache for these ids and
// tries again until it is written or until all that could be stale has expired; only other processes that can reach the
// store while this one cannot may serve old values until then.
//
// With Options.Local the promise is weaker: after Invalidate has returned, this process serves nothing older, but
// another process may serve what it holds until Options.Local has passed since it began to read it. So a renamed user
// may show under the old name there, a video with its old cover, and a deleted video may still be found by its id
// although no list has it any more. It is not for what must be seen at once, through whichever process, by who wrote
// it: counters, relations, flags. Only values that exist are held, so what was created is found at once everywhere.
//
// Over a InProcess store there is no other process, and values are held in this one as long as their TTL says, with the full
// promise and without the store: nothing is encoded or decoded.
type LoadingCache[K comparable, T any] struct {
	store   Store
	kind    string
	key     func(K) string
	ttl     time.Duration
	negTTL  time.Duration
	metrics metrics
	log     *occasionalLog
	local   *local[K, T]
	private bool // the local level is all there is

	tombstoneTTL time.Duration
	loadTimeout  time.Duration

	mu          sync.Mutex
	flights     map[K]flight[K, T]
	unconfirmed unconfirmedSet[K]
}

// flight is the load under way for one id, and what its loader had found in the store.
type flight[K comparable, T any] struct {
	seen string
	call *call[K, T]
}

// call is one load of many ids. found and err are written before done is closed and only read after.
type call[K comparable, T any] struct {
	ids   []K
	found map[K]T
	err   error
	done  chan struct{}
}

// want is an id that the cache did not answer.
type want[K comparable] struct {
	id K
	// seen is what the store held: "" is nothing, else a tombstone or bytes that could not be decoded.
	seen string
	// bypass means the store's answer is unknown or not to be trusted: load alone, store nothing.
	bypass bool
}

// NewLoadingCache returns a cache of T in s.
func NewLoadingCache[K comparable, T any](s Store, o Options[K, T]) *LoadingCache[K, T] {
	if o.TTL <= 0 {
		o.TTL = defaultTTL
	}
	if o.NegativeTTL == 0 {
		o.NegativeTTL = defaultNegativeTTL
	}
	noneLocal, localBytes := time.Duration(0), int64(defaultLocalBytes)
	own, private := s.(inProcessStore)
	if private {
		o.Local, noneLocal, localBytes = o.TTL, max(0, o.NegativeTTL), own.localBytes
	}
	held := newLocal[K, T](o.Local, noneLocal, localBytes, o.Size)
	return &LoadingCache[K, T]{
		store:        s,
		kind:         o.Kind,
		key:          o.Key,
		ttl:          o.TTL,
		negTTL:       o.NegativeTTL,
		metrics:      newMetrics(o.Metrics, o.Kind),
		log:          &occasionalLog{log: o.Log},
		local:        held,
		private:      private && held != nil,
		tombstoneTTL: defaultTombstoneTTL,
		loadTimeout:  defaultLoadTimeout,
		flights:      make(map[K]flight[K, T]),
	}
}

// GetMulti returns the values of ids; an id that does not exist is missing from the map. It costs one MGet (none when the
// local level holds all ids), and, when something is missing, at most one call of load with all ids that nobody else is
// loading already, and one Set. Ids may repeat. Ids that load does not answer are remembered as not existing. A failure
// of the store is not an error: load is asked for everything. The error is that of load, or of ctx.
//
// load runs in its own goroutine with the values of ctx but its own deadline, because others may wait for it too. It
// must not change the slice it gets, and nobody may change what the map's values point to: callers that waited for
// the same load, or were answered by the local level, share them. The map itself is the caller's.
func (t *LoadingCache[K, T]) GetMulti(
	ctx context.Context, ids []K, load func(ctx context.Context, missing []K) (map[K]T, error),
) (map[K]T, error) {
	ids = unique(ids)
	out := make(map[K]T, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	start := time.Now()
	missed := t.local.get(ids, start, out)
	t.metrics.local.Add(float64(len(ids) - len(missed.ids)))
	if len(missed.ids) == 0 {
		return out, nil
	}
	if err := t.fetch(ctx, missed.ids, start, load, out); err != nil {
		return nil, err
	}
	t.local.put(missed, out, start)
	return out, nil
}

// fetch fills out from the store, and from load with what the store does not answer.
func (t *LoadingCache[K, T]) fetch(
	ctx context.Context, ids []K, start time.Time,
	load func(context.Context, []K) (map[K]T, error), out map[K]T,
) error {
	var wants []want[K]
	if t.private {
		wants = t.wantAll(ids, false)
	} else if wants = t.read(ctx, ids, out); len(wants) == 0 {
		return nil
	}
	own, joined := t.board(wants)
	if own != nil {
		go t.run(context.WithoutCancel(ctx), own, wants, start, load)
		if err := own.wait(ctx, own.ids, out); err != nil {
			return err
		}
	}
	for c, ids := range joined {
		if err := c.wait(ctx, ids, out); err != nil {
			return err
		}
	}
	return nil
}

// read fills out with what the store answers and returns what it does not.
func (t *LoadingCache[K, T]) read(ctx context.Context, ids []K, out map[K]T) []want[K] {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = t.key(id)
	}
	distrusted := t.distrusted(ids, nil)
	values, err := t.store.MGet(ctx, keys)
	if err != nil {
		if ctx.Err() == nil {
			t.failed("read", err)
		}
		return t.wantAll(ids, true)
	}
	// Looked up before and after the store: an id that stops being distrusted in between has got its tombstone, but the
	// value may have been read before that.
	distrusted = t.distrusted(ids, distrusted)
	var wants []want[K]
	for i, id := range ids {
		if _, bad := distrusted[id]; bad {
			wants = append(wants, want[K]{id: id, bypass: true})
			continue
		}
		value, state, err := decode[T](values[i])
		switch {
		case err != nil:
			t.failed("decode", err)
			wants = append(wants, want[K]{id: id, seen: string(values[i])})
		case state == stateValue:
			out[id] = value
		case state == stateNone:
		default:
			wants = append(wants, want[K]{id: id, seen: string(values[i])})
		}
	}
	t.metrics.misses.Add(float64(len(wants)))
	t.metrics.store.Add(float64(len(ids) - len(wants)))
	return wants
}

func (t *LoadingCache[K, T]) wantAll(ids []K, bypass bool) []want[K] {
	t.metrics.misses.Add(float64(len(ids)))
	wants := make([]want[K], len(ids))
	for i, id := range ids {
		wants[i] = want[K]{id: id, bypass: bypass}
	}
	return wants
}

// board joins the flights that have the same destination and makes one call of the rest; nil when nothing is left.
func (t *LoadingCache[K, T]) board(wants []want[K]) (own *call[K, T], joined map[*call[K, T]][]K) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range wants {
		if f, ok := t.flights[w.id]; ok && !w.bypass && f.seen == w.seen {
			if joined == nil {
				joined = make(map[*call[K, T]][]K)
			}
			joined[f.call] = append(joined[f.call], w.id)
			t.metrics.joined.Inc()
			continue
		}
		if own == nil {
			own = &call[K, T]{done: make(chan struct{})}
		}
		own.ids = append(own.ids, w.id)
		if !w.bypass {
			t.flights[w.id] = flight[K, T]{seen: w.seen, call: own}
		}
	}
	return own, joined
}

// run loads c.ids, stores the values and lands the call.
func (t *LoadingCache[K, T]) run(
	ctx context.Context, c *call[K, T], wants []want[K], start time.Time,
	load func(context.Context, []K) (map[K]T, error),
) {
	defer t.land(c)
	c.found, c.err = t.load(ctx, c.ids, load)
	if c.err != nil || t.private {
		return
	}
	if items := t.items(c, wants, start); len(items) > 0 {
		if err := t.store.Set(ctx, items); err != nil {
			t.failed("store", err)
		}
	}
}

func (t *LoadingCache[K, T]) load(
	ctx context.Context, ids []K, load func(context.Context, []K) (map[K]T, error),
) (found map[K]T, err error) {
	// A panic here would end the process, where in the caller's goroutine it would end one request.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kv: load %s: panic: %v\n%s", t.kind, p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, t.loadTimeout)
	defer cancel()
	return load(ctx, ids)
}

// items are the values of c that may be stored, each on the condition that the store still holds what was seen.
func (t *LoadingCache[K, T]) items(c *call[K, T], wants []want[K], start time.Time) []Item {
	// A load that outlived its deadline by far may have outlived a tombstone too.
	if time.Since(start) > t.loadTimeout+(t.tombstoneTTL-t.loadTimeout)/4 {
		return nil
	}
	items := make([]Item, 0, len(c.ids))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range wants {
		// Not in flight for c: loaded by somebody else, or past the cache, or invalidated meanwhile.
		if f, ok := t.flights[w.id]; !ok || f.call != c {
			continue
		}
		it := Item{Key: t.key(w.id), IfAbsent: w.seen == "", TTL: jitter(t.ttl)}
		if w.seen != "" {
			it.IfValue = []byte(w.seen)
		}
		if value, ok := c.found[w.id]; ok {
			b, err := encode(value)
			if err != nil {
				t.failed("encode", err)
				continue
			}
			it.Value = b
		} else {
			if t.negTTL < 0 {
				continue
			}
			it.Value, it.TTL = []byte{tagNone}, jitter(t.negTTL)
		}
		items = append(items, it)
	}
	return items
}

// land ends the call: its ids may be loaded again, and who waits gets the answer.
func (t *LoadingCache[K, T]) land(c *call[K, T]) {
	t.mu.Lock()
	for _, id := range c.ids {
		if t.flights[id].call == c {
			delete(t.flights, id)
		}
	}
	t.mu.Unlock()
	close(c.done)
}

// wait copies the values of ids into out once the call has ended.
func (c *call[K, T]) wait(ctx context.Context, ids []K, out map[K]T) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c.err != nil {
		return c.err
	}
	for _, id := range ids {
		if v, ok := c.found[id]; ok {
			out[id] = v
		}
	}
	return nil
}

func (t *LoadingCache[K, T]) failed(op string, err error) {
	t.metrics.errors.Inc()
	t.log.failure("kind", t.kind, "op", op, "err", err)
}

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

// jitter spreads d by ± 10 %, so that what was stored together does not expire together.
func jitter(d time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(d)*(0.9+0.2*rand.Float64())))
}

// unique returns ids without repetitions: ids itself when there are none. It must not be changed.
func unique[K comparable](ids []K) []K {
	// Pages are short, and comparing is cheaper than a map there.
	if len(ids) <= 64 && !repeats(ids) {
		return ids
	}
	seen := make(map[K]struct{}, len(ids))
	out := make([]K, 0, len(ids))
	for _, id := range ids {
		if _, ok := seen[id]; !ok {
			seen[id] = struct{}{}
			out = append(out, id)
		}
	}
	return out
}

func repeats[K comparable](ids []K) bool {
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return true
		}
	}
	return false
}
