// Package pending keeps the writes that a queue has accepted and the writer may not have stored yet, so that reads can
// show them to their authors at once (read-your-writes).
//
// Each user has lists in Redis, one for each kind of writes. A list holds events by id, is bounded, and expires. The publisher
// adds an event when the queue answers that it is accepted but not applied yet; the writer removes it when it is stored. Reads
// change nothing. Where the queue always applies before it answers (the memory queue of the all-in-one) there are no lists.
//
// The order is what makes it right. Add comes before the author is answered, so that their next read finds the event.
// Remove comes after the commit and after the caches were invalidated, so that a read that does not find the event finds it
// stored. A read reads the lists first, then caches and store: an event that leaves its list in between is there already.
//
// The lists are a hint, never the truth: a read compares what it finds with the stored rows, at one moment of the store, and
// an event that is stored counts there and not here. Therefore none of these does harm:
//
//   - The writer stores an event before its publisher adds it. The entry then stays until it expires; reads find it stored.
//   - An event is applied twice, also by two processes: removing twice is removing once. A writer that is killed between
//     commit and removal gets the event again, and removes it then.
//   - Events are applied in any order: each is removed by its own id, so that of a deletion stays when the creation is
//     stored late.
//   - The writer drops an event, for instance because its video is deleted meanwhile: reads leave it out, and the writer
//     removes its entry.
//   - Redis is away or loses its data: what is not stored does not show until it is. No write is lost.
package pending

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"tiktok/pkg/coalesce"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/logx"
)

const (
	// ttl is how long an event that the writer does not get to stays visible: longer than any backlog that is still being
	// worked off.
	ttl = 10 * time.Minute
	// markTTL is for the mark of each service, which exists while any of its lists may hold something: it is set before an
	// entry and expires after it.
	markTTL = ttl + time.Minute
	// A list with so many events that are not stored, or so many bytes of them, is full: half a minute of the fastest
	// user's writes.
	fullEvents = 1000
	fullBytes  = 256 << 10
	// maxEvents bounds a list. What is above fullEvents is for writes that were in flight when it became full, and for
	// entries that were not removed. The oldest leave first: they are the next to be stored.
	maxEvents = 2 * fullEvents
	// fullFor is how long a list that was found full is taken as full without another check.
	fullFor = 100 * time.Millisecond
	// maxLong bounds how many long lists a process remembers.
	maxLong = 1024
	// maxAdds calls that add events are in flight, with maxAdded events each.
	maxAdds, maxAdded = 2, 512
	// addTimeout bounds how much longer an accepted write takes because of its entry here.
	addTimeout = 500 * time.Millisecond
)

// Kind is what a list holds.
type Kind struct {
	// Name is a part of the keys in Redis. It ends with the version of what the events look like.
	Name string
	// MostBytes is how many bytes an event has at most, roughly (Options.Bytes).
	MostBytes int
}

// mayBeFull reports whether a list can be full when it is that long.
func (k Kind) mayBeFull(length int) bool {
	return length >= fullEvents || length*k.MostBytes > fullBytes
}

// List names one list of pending events.
type List struct {
	User int64
	Kind Kind
}

// Options says what the events of a service are.
type Options[E any] struct {
	// Service is the first part of the keys in Redis.
	Service string
	// List is the list that holds an event while it is pending, and ID its id, which is unique and time-ordered.
	List func(E) List
	ID   func(E) int64
	// Bytes is how many bytes an event has, roughly.
	Bytes func(E) int
	// Check reports what makes an event impossible to apply. Such a one is none.
	Check func(E) error
	// Replaces is the id of another event of the same list that says nothing any more beside this one; 0: there is none. Nil: never.
	Replaces func(E) int64
}

// Writes are the lists of all users. It is safe for concurrent use, also by several processes. A nil Writes has no lists:
// nothing is ever pending.
type Writes[E any] struct {
	of    Options[E]
	store kv.Store
	lists kv.Lists
	adds  *coalesce.Coalescer[E, struct{}]
	log   *slog.Logger

	mu sync.Mutex
	// long are the lists that may have been full when this process last added to them or checked them, and until when they
	// are taken as full.
	long map[List]time.Time
}

// New returns the lists in s, or nil when s has no lists. A nil log switches that off.
func New[E any](s kv.Store, log *slog.Logger, o Options[E]) *Writes[E] {
	lists, ok := s.(kv.Lists)
	if !ok {
		return nil
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w := &Writes[E]{of: o, store: s, lists: lists, log: logx.Sample(log, nil), long: map[List]time.Time{}}
	w.adds = coalesce.New(maxAdds, maxAdded, func(E) int { return 1 }, w.addAll)
	return w
}

// Key is the list's key in Redis. The braces make the user's id the hash tag of Redis Cluster.
func (w *Writes[E]) Key(l List) string {
	return "tt:" + w.of.Service + ":" + l.Kind.Name + ":{" + strconv.FormatInt(l.User, 10) + "}"
}

func (w *Writes[E]) markKey() string { return "tt:" + w.of.Service + ":pending:v1" }

// Add puts an accepted event into its list. When it returns, every process that reaches Redis sees it, or a line is logged.
// It goes on when ctx has ended, because the event is accepted. Concurrent calls share a round trip.
func (w *Writes[E]) Add(ctx context.Context, e E) {
	if w == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), addTimeout)
	defer cancel()
	if _, err := w.adds.Start(ctx, e).Wait(ctx); err != nil {
		w.log.WarnContext(ctx, "an accepted write does not show before it is stored", "err", err)
	}
}

func (w *Writes[E]) addAll(ctx context.Context, events []E) ([]struct{}, error) {
	entries, replaced := make([]kv.Entry, len(events)), []kv.Entry{}
	for i, e := range events {
		value, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		entries[i] = kv.Entry{List: w.Key(w.of.List(e)), ID: w.of.ID(e), Value: value}
		if w.of.Replaces != nil {
			if other := w.of.Replaces(e); other != 0 {
				replaced = append(replaced, kv.Entry{List: entries[i].List, ID: other})
			}
		}
	}
	// The mark goes first: an entry that shows is never without it.
	if err := w.store.Set(ctx, []kv.Item{{Key: w.markKey(), Value: []byte{1}, TTL: markTTL}}); err != nil {
		return nil, err
	}
	lengths, err := w.lists.AddEntries(ctx, entries, maxEvents, ttl)
	if err != nil {
		return nil, err
	}
	for i, e := range events {
		w.noteLength(w.of.List(e), lengths[i])
	}
	return make([]struct{}, len(events)), w.lists.RemoveEntries(ctx, replaced)
}

// Remove takes events out of their lists. Call it when they are stored and nothing older is cached.
func (w *Writes[E]) Remove(ctx context.Context, events []E) {
	if w == nil || !w.any(ctx) {
		return
	}
	entries := make([]kv.Entry, len(events))
	for i, e := range events {
		entries[i] = kv.Entry{List: w.Key(w.of.List(e)), ID: w.of.ID(e)}
	}
	if err := w.lists.RemoveEntries(ctx, entries); err != nil {
		w.log.WarnContext(ctx, "stored writes stay in the lists of pending ones until they expire", "events", len(events), "err", err)
	}
}

// Read returns the events of the last ten minutes in the lists, by ascending id; empty lists are missing. While nothing is
// pending at all it reads one key, whatever the number of lists. When Redis is away nothing is pending.
func (w *Writes[E]) Read(ctx context.Context, lists ...List) map[List][]E {
	if w == nil || len(lists) == 0 || !w.any(ctx) {
		return nil
	}
	keys := make([]string, len(lists))
	for i, l := range lists {
		keys[i] = w.Key(l)
	}
	values, err := w.lists.ReadLists(ctx, keys)
	if err != nil {
		w.log.WarnContext(ctx, "accepted writes do not show before they are stored", "err", err)
	}
	if values == nil {
		return nil
	}
	found, oldest := map[List][]E{}, id.At(time.Now().Add(-ttl))
	for i, l := range lists {
		for _, value := range values[i] {
			var e E
			err := json.Unmarshal(value, &e)
			if err == nil {
				err = w.of.Check(e)
			}
			if err != nil {
				w.log.WarnContext(ctx, "an accepted write does not show before it is stored", "err", err)
			} else if w.of.ID(e) >= oldest {
				found[l] = append(found[l], e)
			}
		}
	}
	return found
}

// any reports whether a list may hold something: also when it cannot be read whether one does, since that is one node of a Cluster.
func (w *Writes[E]) any(ctx context.Context) bool {
	values, err := w.store.MGet(ctx, []string{w.markKey()})
	return err != nil || values[0] != nil
}

// Full reports whether the list is full. Then its user's next write must not be accepted: it could hide another. It is
// known while the list is not long, as far as this process has seen, or was found full just now; else SetFull finds out.
func (w *Writes[E]) Full(l List) (full, known bool) {
	if w == nil {
		return false, true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	until, long := w.long[l]
	full = time.Now().Before(until)
	return full, full || !long
}

// SetFull notes whether the list is full, given its length and which of its events are not stored. Only those count: a
// stored event that was not removed hides nothing.
func (w *Writes[E]) SetFull(l List, length int, notStored []E) (full bool) {
	bytes := 0
	for _, e := range notStored {
		bytes += w.of.Bytes(e)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if full = len(notStored) >= fullEvents || bytes >= fullBytes; full {
		w.long[l] = time.Now().Add(fullFor)
	} else if !l.Kind.mayBeFull(length) {
		delete(w.long, l)
	}
	return full
}

// noteLength remembers a list that may be full now.
func (w *Writes[E]) noteLength(l List, length int) {
	if !l.Kind.mayBeFull(length) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, long := w.long[l]; long {
		return
	}
	if len(w.long) >= maxLong { // users who stopped writing: whoever writes again is noted again
		maps.DeleteFunc(w.long, func(_ List, until time.Time) bool { return time.Now().After(until) })
	}
	w.long[l] = time.Time{}
}
