// Package visible is the one place that says what a viewer may see: every answer of the service goes through it, whatever the answer was
// made from. Today it leaves out what the catalogue knows to be gone. Blocking, and videos that not everybody may see, belong here.
package visible

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tiktok/cmd/discovery/dal/db"
)

// Ref is a video and whose it is; AuthorID 0: that is not known.
type Ref struct{ VideoID, AuthorID int64 }

// Filter says what a viewer may see, 0 being a visitor. It keeps the order, and leaves its arguments as they are. It is safe for
// concurrent use.
type Filter interface {
	// Videos returns those of refs that the viewer may see.
	Videos(ctx context.Context, viewerID int64, refs []Ref) ([]Ref, error)
	// Users returns those of ids that the viewer may see.
	Users(ctx context.Context, viewerID int64, ids []int64) ([]int64, error)
}

const (
	// lag is how much later than the catalogue an answer may know of something that goes.
	lag = 250 * time.Millisecond
	// reloadEvery is how often what is gone is read as a whole, so that what the catalogue has forgotten is forgotten here.
	reloadEvery = time.Hour
	// patience bounds one look into the catalogue.
	patience = 5 * time.Second
)

// source is where what is gone is known: *db.Store.
type source interface {
	GoneSince(ctx context.Context, seq int64) (db.Gone, error)
}

// Catalogue is a Filter that knows what is gone. It keeps that in memory, and looks for more when it is asked, at most four times a second:
// so it costs one statement for all answers of that time, and a caller waits only for the first look of all. While the database does not
// answer it goes by what it knows.
type Catalogue struct {
	from source
	log  *slog.Logger
	now  func() time.Time

	looking sync.Mutex // one looks at a time

	mu       sync.RWMutex
	videos   map[int64]bool // never nil once read; all that follows is guarded by mu
	users    map[int64]bool
	position int64
	looked   time.Time
	reloaded time.Time
}

var _ Filter = (*Catalogue)(nil)

// New returns a filter of what store knows to be gone. now is the clock.
func New(store *db.Store, log *slog.Logger, now func() time.Time) *Catalogue {
	return &Catalogue{from: store, log: log, now: now}
}

// Videos implements Filter. It fails only while the catalogue could never be read.
func (c *Catalogue) Videos(ctx context.Context, _ int64, refs []Ref) ([]Ref, error) {
	if err := c.look(ctx); err != nil || len(refs) == 0 {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return without(refs, func(r Ref) bool { return c.videos[r.VideoID] || c.users[r.AuthorID] }), nil
}

// Users implements Filter. It fails only while the catalogue could never be read.
func (c *Catalogue) Users(ctx context.Context, _ int64, ids []int64) ([]int64, error) {
	if err := c.look(ctx); err != nil || len(ids) == 0 {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return without(ids, func(id int64) bool { return c.users[id] }), nil
}

// without returns all but those that are gone: all itself when there are none.
func without[T any](all []T, gone func(T) bool) []T {
	if !slices.ContainsFunc(all, gone) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), gone)
}

// look makes sure that what is gone was looked for within lag, or is being looked for.
func (c *Catalogue) look(ctx context.Context) error {
	c.mu.RLock()
	known, fresh := c.videos != nil, c.now().Sub(c.looked) < lag
	c.mu.RUnlock()
	switch {
	case known && fresh:
		return nil
	case !known:
		c.looking.Lock()
	case !c.looking.TryLock():
		return nil // another is looking; what is known is hardly older
	}
	defer c.looking.Unlock()
	if c.mu.RLock(); c.videos != nil && !known { // another has read all meanwhile
		c.mu.RUnlock()
		return nil
	}
	position, whole := c.position, c.videos == nil || c.now().Sub(c.reloaded) >= reloadEvery
	c.mu.RUnlock()
	if whole {
		position = 0
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // others go by what is found
	defer cancel()
	gone, err := c.from.GoneSince(own, position)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = c.now()
	if err != nil {
		if known {
			c.log.WarnContext(ctx, "what is gone from the catalogue is not known; answers go by what was known before", "err", err)
			return nil
		}
		return err
	}
	if whole {
		c.videos, c.users, c.reloaded = make(map[int64]bool, len(gone.VideoIDs)), make(map[int64]bool, len(gone.UserIDs)), c.looked
	}
	for _, id := range gone.VideoIDs {
		c.videos[id] = true
	}
	for _, id := range gone.UserIDs {
		c.users[id] = true
	}
	c.position = gone.Position
	return nil
}
