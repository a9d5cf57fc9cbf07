package cache

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
)

const (
	// pendingTTL is how long a write that the writer does not get to stays visible: longer than any backlog that is
	// still being worked off.
	pendingTTL = 10 * time.Minute
	// markTTL is longer than that: a list must not outlive the mark.
	markTTL = pendingTTL + time.Minute
	// fullEvents and fullBytes say when a list is full: half a minute of the fastest user's writes. Whoever publishes
	// must then wait for the writer (Full).
	fullEvents = 1000
	fullBytes  = 256 << 10
	// maxEvents bounds a list whatever happens. What is between full and this is room for the writes that were under way
	// when the list became full. The oldest leave first: they are the next to be stored.
	maxEvents = 2 * fullEvents
	// trimAt is how many stored events a list must hold before it is written again without them.
	trimAt = 100
	// fullAgain is how long a list that was full is taken as full without another look.
	fullAgain = 100 * time.Millisecond
	// maxFull bounds how many full lists a process remembers.
	maxFull = 1024
	// addTries bounds the compare-and-set. Only processes compete, not writers: those of one process go together.
	addTries = 12
	// addTimeout bounds how much longer an accepted write takes because of its entry here.
	addTimeout = 500 * time.Millisecond
	// emptyTTL is how long a list that was emptied stays: a key cannot be deleted on a condition.
	emptyTTL = time.Second
)

// Pending remembers the events that the queue has accepted and the writer may not have stored yet, so that reads can
// show them already. It is safe for concurrent use, also by several processes.
//
// Each list is one value, changed by compare-and-set, bounded and expiring. Nobody has to remove an entry for the reads
// to be right: whoever reads the list compares each entry with the stored row, in one moment, and takes only what the
// row does not have yet. The store is a cache: when it loses a list, or is away, the events are stored all the same
// and only show later.
type Pending struct {
	store kv.Store
	log   *slog.Logger
	// logged is when the last failure was logged, Unix seconds: a log line per write would be a second storm.
	logged atomic.Int64

	// slot is held by the one batch that is being written.
	slot chan struct{}
	mu   sync.Mutex
	next *addBatch
	// full are the lists that were full when this process last wrote or read them, and when that was. Only those of
	// users who write right now are in it, and only while the writer is far behind.
	full map[PendingKey]time.Time
}

// addBatch is the events that came in while the batch before was written.
type addBatch struct {
	events []mq.Event
	done   chan struct{}
}

// PendingList is one list as it was read.
type PendingList struct {
	// Events are sorted, oldest first. There is at most one for each comment.
	Events []mq.Event
	key    PendingKey
	raw    []byte
}

// Stored is a list of which some events are stored.
type Stored struct {
	PendingList
	// Left are the events that are not.
	Left []mq.Event
}

// NewPending returns the lists in s. A nil log switches that off.
func NewPending(s kv.Store, log *slog.Logger) *Pending {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pending{store: s, log: log, slot: make(chan struct{}, 1), full: map[PendingKey]time.Time{}}
}

// Read returns those of the lists that hold something. In calm weather it reads one key, whatever their number; when the
// store is away there is nothing pending. Read it before what it is laid over: an entry is only removed when the row, and
// what is cached of it, are there.
func (p *Pending) Read(ctx context.Context, keys ...PendingKey) map[PendingKey]PendingList {
	if len(keys) == 0 || !p.any(ctx) {
		return nil
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.String()
	}
	values, err := p.store.MGet(ctx, names)
	if err != nil {
		p.failed("read", err)
		return nil
	}
	var lists map[PendingKey]PendingList
	for i, raw := range values {
		events := p.decode(keys[i], raw)
		if len(events) < fullEvents && len(raw) < fullBytes {
			p.mu.Lock()
			delete(p.full, keys[i])
			p.mu.Unlock()
		}
		if len(events) > 0 {
			if lists == nil {
				lists = map[PendingKey]PendingList{}
			}
			lists[keys[i]] = PendingList{Events: events, key: keys[i], raw: raw}
		}
	}
	return lists
}

// any reports that somebody's list may hold something. The mark is written with every entry and outlives it, so that
// without it there is nothing that was added before this call.
func (p *Pending) any(ctx context.Context) bool {
	values, err := p.store.MGet(ctx, []string{pendingMark})
	if err != nil {
		p.failed("read", err)
		return false
	}
	return values[0] != nil
}

func mark() kv.Item { return kv.Item{Key: pendingMark, Value: []byte{1}, TTL: markTTL} }

// Add puts e into its lists. When it returns, every process that reaches the store sees it, or a line is logged. It
// goes on when ctx has ended, because e is accepted. All that one process adds at the same time is written together.
func (p *Pending) Add(ctx context.Context, e mq.Event) {
	p.mu.Lock()
	if p.next == nil {
		p.next = &addBatch{done: make(chan struct{})}
	}
	b := p.next
	b.events = append(b.events, e)
	p.mu.Unlock()

	select {
	case <-b.done:
		return
	case p.slot <- struct{}{}:
	}
	defer func() { <-p.slot }()
	p.mu.Lock()
	own := p.next == b
	if own {
		p.next = nil
	}
	p.mu.Unlock()
	if own { // else somebody wrote it while we waited for the slot
		defer close(b.done)
		p.write(context.WithoutCancel(ctx), b.events)
	}
}

// Full reports that the list is full as far as this process knows: its user's next write must not be accepted before
// there is room again. In calm weather it looks at an empty map. fresh means that the list was looked at only just; else
// Read and Trim find out how it is now.
func (p *Pending) Full(key PendingKey) (full, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, full := p.full[key]
	return full, full && time.Since(at) < fullAgain
}

// note remembers whether the list is full.
func (p *Pending) note(key PendingKey, events int, raw []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if events < fullEvents && len(raw) < fullBytes {
		delete(p.full, key)
		return
	}
	if len(p.full) >= maxFull { // users who went away; who writes again is noted again
		maps.DeleteFunc(p.full, func(_ PendingKey, at time.Time) bool { return time.Since(at) > fullAgain })
	}
	p.full[key] = time.Now()
}

// Trim takes what is stored out of lists that nobody has changed since they were read: those that are Worth it. Do it
// when nothing older than the stored events is cached. It may fail to do so: that costs later readers some work.
func (p *Pending) Trim(ctx context.Context, lists []Stored) {
	items, left := make([]kv.Item, 0, len(lists)+1), false
	for _, l := range lists {
		if !l.Worth() {
			p.note(l.key, len(l.Events), l.raw)
			continue
		}
		item := kv.Item{Key: l.key.String(), Value: []byte("[]"), TTL: emptyTTL, IfValue: l.raw}
		if len(l.Left) > 0 {
			value, err := encode(l.Left)
			if err != nil {
				p.failed("trim", err)
				continue
			}
			item.Value, item.TTL = value, pendingTTL
			left = true
		}
		p.note(l.key, len(l.Left), item.Value)
		items = append(items, item)
	}
	if len(items) == 0 {
		return
	}
	if left { // what is left may live longer than the mark of when it was added
		items = append(items, mark())
	}
	if err := p.store.Set(ctx, items); err != nil {
		p.failed("trim", err)
	}
}

// Worth reports that so much of l is stored that it is worth to be written again.
func (l Stored) Worth() bool { return len(l.Left) == 0 || len(l.Events)-len(l.Left) >= trimAt }

// write merges events into their lists until all of them are there.
func (p *Pending) write(ctx context.Context, events []mq.Event) {
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	adds := map[PendingKey][]mq.Event{}
	for _, e := range events {
		if e.Favorite != nil {
			adds[FavoritesBy(e.UserID)] = append(adds[FavoritesBy(e.UserID)], e)
		} else {
			adds[CommentsBy(e.UserID)] = append(adds[CommentsBy(e.UserID)], e)
		}
	}
	for try := 0; len(adds) > 0; try++ {
		if try == addTries {
			p.log.Warn("accepted writes do not show yet: their lists changed too often", "lists", len(adds))
			return
		}
		if err := p.try(ctx, adds); err != nil {
			p.failed("add", err)
			return
		}
	}
}

// try makes one round: it removes from adds what is in the lists already and tries to put the rest there. The next round
// sees whether that went well.
func (p *Pending) try(ctx context.Context, adds map[PendingKey][]mq.Event) error {
	var keys []PendingKey
	var names []string
	for key := range adds {
		keys, names = append(keys, key), append(names, key.String())
	}
	values, err := p.store.MGet(ctx, names)
	if err != nil {
		return err
	}
	var items []kv.Item
	for i, raw := range values {
		key := keys[i]
		list := merge(p.decode(key, raw), adds[key])
		value, err := encode(list)
		if err != nil {
			return err
		}
		p.note(key, len(list), value)
		if bytes.Equal(value, raw) {
			delete(adds, key)
			continue
		}
		items = append(items, kv.Item{Key: names[i], Value: value, TTL: pendingTTL, IfAbsent: raw == nil, IfValue: raw})
	}
	// The mark goes first, and in every round: an entry that shows is never without it.
	items = append([]kv.Item{mark()}, items...)
	return p.store.Set(ctx, items)
}

// merge adds events to a list. Merging the same events again changes nothing.
func merge(list, events []mq.Event) []mq.Event {
	byID, byComment := map[int64]mq.Event{}, map[int64]mq.Event{}
	for _, e := range slices.Concat(list, events) {
		if e.Comment == nil {
			byID[e.ID] = e
			continue
		}
		// A deletion is final, so it is all there is to know of a comment.
		if old, ok := byComment[e.Comment.CommentID]; !ok || e.Comment.Deleted && !old.Comment.Deleted {
			byComment[e.Comment.CommentID] = e
		}
	}
	merged := make([]mq.Event, 0, len(byID)+len(byComment))
	for _, e := range byID {
		merged = append(merged, e)
	}
	for _, e := range byComment {
		merged = append(merged, e)
	}
	slices.SortFunc(merged, func(a, b mq.Event) int { return cmp.Compare(a.ID, b.ID) })
	merged = merged[max(0, len(merged)-maxEvents):]
	oldest := merged[len(merged)-1].AtMs - pendingTTL.Milliseconds()
	return slices.DeleteFunc(merged, func(e mq.Event) bool { return e.AtMs < oldest })
}

// record is an event as a list holds it: what the list's key and the id tell already is left out.
type record struct {
	ID      int64  `json:"i"`
	Video   int64  `json:"v"`
	Author  int64  `json:"a,omitempty"`
	Comment int64  `json:"c,omitempty"`
	Text    string `json:"t,omitempty"`
	// Undo is an unlike, or the deletion of the comment.
	Undo bool `json:"u,omitempty"`
}

// encode writes a list. The same events make the same bytes.
func encode(events []mq.Event) ([]byte, error) {
	list := make([]record, len(events))
	for i, e := range events {
		r := record{ID: e.ID, Video: e.VideoID, Author: e.AuthorID}
		if e.Comment != nil {
			r.Comment, r.Text, r.Undo = e.Comment.CommentID, e.Comment.Content, e.Comment.Deleted
		} else {
			r.Undo = !e.Favorite.Liked
		}
		list[i] = r
	}
	return json.Marshal(list)
}

// decode reads a list. One that another build wrote in its own way is empty.
func (p *Pending) decode(key PendingKey, raw []byte) []mq.Event {
	if len(raw) == 0 {
		return nil
	}
	var list []record
	err := json.Unmarshal(raw, &list)
	events := make([]mq.Event, 0, len(list))
	for _, r := range list {
		e := mq.Event{
			V: mq.Version, ID: r.ID, AtMs: id.Time(r.ID).UnixMilli(), UserID: key.user, VideoID: r.Video, AuthorID: r.Author,
		}
		if key.comments {
			e.Comment = &mq.CommentEvent{CommentID: r.Comment, Content: r.Text, Deleted: r.Undo}
		} else {
			e.Favorite = &mq.FavoriteEvent{Liked: !r.Undo}
		}
		if err == nil {
			err = e.Check()
		}
		events = append(events, e)
	}
	if err != nil {
		p.failed("decode", err)
		return nil
	}
	return events
}

// failed logs, at most once a second.
func (p *Pending) failed(op string, err error) {
	now := time.Now().Unix()
	if last := p.logged.Load(); last != now && p.logged.CompareAndSwap(last, now) {
		p.log.Warn("accepted writes may show late", "op", op, "err", err)
	}
}
