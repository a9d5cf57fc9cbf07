// Package mq defines what travels through the service's queue of watches.
package mq

import (
	"errors"
	"fmt"
)

// Watches is the name of the queue.
const Watches = "watches"

// Version is the layout of Event that this build writes and reads. A reader refuses others, so that a message that it does not
// understand ends as a dead letter instead of half applied.
const Version = 1

// Limits of an event.
const (
	MaxWatches   = 50
	MaxSession   = 36
	MaxWatchedMs = 86_400_000
)

// ErrBadEvent is wrapped by everything that Check finds.
var ErrBadEvent = errors.New("bad event of watches")

// Event is what one call told of what a user has watched. Events may arrive late, twice and in any order.
type Event struct {
	V int `json:"v"`
	// ID is unique and time-ordered.
	ID int64 `json:"id"`
	// AtMs is when it was accepted.
	AtMs   int64 `json:"at_ms"`
	UserID int64 `json:"user_id"`
	// Watches are 1..MaxWatches, none with the video and session of another.
	Watches []Watch `json:"watches"`
}

// Watch is what was seen of a video in one session, up to then.
type Watch struct {
	VideoID int64 `json:"v"`
	// AuthorID published the video. It is never the user.
	AuthorID int64 `json:"a"`
	// Session is as ValidSession says.
	Session string `json:"s"`
	// WatchedMs is 0..MaxWatchedMs.
	WatchedMs int64 `json:"ms"`
	Finished  bool  `json:"f,omitempty"`
}

// ValidSession reports whether a session has 1..MaxSession characters, all of them visible ones of ASCII. A blank is none: databases
// differ in whether it counts at the end.
func ValidSession(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= MaxSession
}

// Owner decides about the partition of the queue: a user's events are all in one.
func (e Event) Owner() int64 { return e.UserID }

// Check reports what makes the event impossible to apply.
func (e Event) Check() error {
	switch {
	case e.V != Version:
		return fmt.Errorf("%w: version %d, want %d", ErrBadEvent, e.V, Version)
	case e.ID <= 0 || e.AtMs <= 0 || e.UserID <= 0:
		return fmt.Errorf("%w: id %d at %d of user %d", ErrBadEvent, e.ID, e.AtMs, e.UserID)
	case len(e.Watches) == 0 || len(e.Watches) > MaxWatches:
		return fmt.Errorf("%w: %d has %d watches", ErrBadEvent, e.ID, len(e.Watches))
	}
	for _, w := range e.Watches {
		if w.VideoID <= 0 || w.AuthorID <= 0 || w.AuthorID == e.UserID || !ValidSession(w.Session) ||
			w.WatchedMs < 0 || w.WatchedMs > MaxWatchedMs {
			return fmt.Errorf("%w: %d has %d ms of video %d by %d in session %q", ErrBadEvent, e.ID, w.WatchedMs, w.VideoID, w.AuthorID, w.Session)
		}
	}
	return nil
}
