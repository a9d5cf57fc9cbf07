package cache

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/pkg/kv"
)

const (
	// pendingTTL is how long a write that the writer does not get to stays visible: longer than any backlog that is
	// still being worked off.
	pendingTTL = 10 * time.Minute
	// maxPending bounds one list. The oldest leave first: they are the next to be stored.
	maxPending = 200
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

// NewPending returns the lists in s. A nil log switches that off.
func NewPending(s kv.Store, log *slog.Logger) *Pending {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Pending{store: s, log: log, slot: make(chan struct{}, 1)}
}

// Read returns those of the lists that hold something. It costs one round trip, and when the store is away there is
// nothing pending. Read it before what it is laid over: an entry is only removed when the row, and what is cached of
// it, are there.
func (p *Pending) Read(ctx context.Context, keys ...PendingKey) map[PendingKey]PendingList {
	if len(keys) == 0 {
		return nil
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = string(k)
	}
	values, err := p.store.MGet(ctx, names)
	if err != nil {
		p.failed("read", err)
		return nil
	}
	var lists map[PendingKey]PendingList
	for i, raw := range values {
		if events := p.decode(raw); len(events) > 0 {
			if lists == nil {
				lists = map[PendingKey]PendingList{}
			}
			lists[keys[i]] = PendingList{Events: events, key: keys[i], raw: raw}
		}
	}
	return lists
}

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

// Drop empties lists that nobody has changed since they were read. Do it when all of their events are stored and
// nothing older is cached. It may fail to do so: that costs later readers some work.
func (p *Pending) Drop(ctx context.Context, lists []PendingList) {
	items := make([]kv.Item, 0, len(lists))
	for _, l := range lists {
		items = append(items, kv.Item{Key: string(l.key), Value: []byte("[]"), TTL: emptyTTL, IfValue: l.raw})
	}
	if err := p.store.Set(ctx, items); err != nil {
		p.failed("drop", err)
	}
}

// write merges events into their lists until all of them are there.
func (p *Pending) write(ctx context.Context, events []mq.Event) {
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	adds := map[PendingKey][]mq.Event{}
	for _, e := range events {
		if e.Favorite != nil {
			adds[FavoritesBy(e.UserID)] = append(adds[FavoritesBy(e.UserID)], e)
			continue
		}
		adds[CommentsOn(e.VideoID)] = append(adds[CommentsOn(e.VideoID)], e)
		own := *e.Comment
		own.Content, e.Comment = "", &own
		adds[CommentsBy(e.UserID)] = append(adds[CommentsBy(e.UserID)], e)
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
	var names []string
	for key := range adds {
		names = append(names, string(key))
	}
	values, err := p.store.MGet(ctx, names)
	if err != nil {
		return err
	}
	var items []kv.Item
	for i, raw := range values {
		key := PendingKey(names[i])
		value, err := json.Marshal(merge(p.decode(raw), adds[key]))
		if err != nil {
			return err
		}
		if bytes.Equal(value, raw) {
			delete(adds, key)
			continue
		}
		items = append(items, kv.Item{Key: names[i], Value: value, TTL: pendingTTL, IfAbsent: raw == nil, IfValue: raw})
	}
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
	merged = merged[max(0, len(merged)-maxPending):]
	oldest := merged[len(merged)-1].AtMs - pendingTTL.Milliseconds()
	return slices.DeleteFunc(merged, func(e mq.Event) bool { return e.AtMs < oldest })
}

// decode reads a list. One that another build wrote in its own way, or that holds an event of it, is empty.
func (p *Pending) decode(raw []byte) []mq.Event {
	if len(raw) == 0 {
		return nil
	}
	var events []mq.Event
	err := json.Unmarshal(raw, &events)
	for _, e := range events {
		if err == nil {
			err = e.Check()
		}
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
