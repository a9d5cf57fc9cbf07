// Package mq defines what travels through the service's queue.
package mq

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Versions are layouts of Event that this build writes and reads. A reader refuses others, so that a message it does not
// understand ends as a dead letter instead of half applied.
//
// An event has the lowest version that says all of it (Versioned). Builds that know only version 1 therefore go on applying
// likes of videos and comments that begin a thread, and refuse what they would store as something else: answers and their
// deletion, mentions, likes of comments, pins. In a rolling update let every replica of this service be new before the
// gateways are: then there is nothing that the old ones refuse. What they did refuse is among the dead letters, to be replayed.
const (
	// Version is of likes of videos, and of comments that are no answer, have none and mention nobody.
	Version = 1
	// Latest is of everything else.
	Latest = 2
)

// MaxContent is the length of a comment's text in characters.
const MaxContent = 500

// MaxMentions is how many users a comment mentions at most.
const MaxMentions = 10

// ErrBadEvent is wrapped by everything that Check finds.
var ErrBadEvent = errors.New("bad event")

// Event is one accepted write. Exactly one of Favorite, Comment, CommentLike and Pin is set. Events may arrive late, twice
// and in any order: ID tells which of two is newer.
type Event struct {
	V int `json:"v"`
	// ID is unique and time-ordered.
	ID int64 `json:"id"`
	// AtMs is when the write was accepted.
	AtMs    int64 `json:"at_ms"`
	UserID  int64 `json:"user_id"`
	VideoID int64 `json:"video_id"`
	// AuthorID is the video's author. The deletion of a comment and the like of one may leave it out: they need no row of
	// counters.
	AuthorID int64 `json:"author_id,omitempty"`

	Favorite    *FavoriteEvent    `json:"favorite,omitempty"`
	Comment     *CommentEvent     `json:"comment,omitempty"`
	CommentLike *CommentLikeEvent `json:"comment_like,omitempty"`
	Pin         *PinEvent         `json:"pin,omitempty"`
}

// FavoriteEvent sets whether the user likes the video.
type FavoriteEvent struct {
	Liked bool `json:"liked"`
}

// CommentEvent creates or deletes a comment of the user below the video.
type CommentEvent struct {
	// CommentID is given before the event is queued. It is the ID of the event that creates the comment.
	CommentID int64 `json:"comment_id"`
	// Content is the text to show, already moderated; empty in a deletion.
	Content string `json:"content,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	// RootID is the comment that began the thread, 0 for this one. Its id is lower than CommentID. A deletion has it, too.
	RootID int64 `json:"root_id,omitempty"`
	// ReplyToID is the comment that it answers, and ReplyToUserID who wrote that.
	ReplyToID     int64 `json:"reply_to_id,omitempty"`
	ReplyToUserID int64 `json:"reply_to_user_id,omitempty"`
	// Mentions are the users whom the text mentions.
	Mentions []int64 `json:"mentions,omitempty"`
	// Replies says of the deletion of a comment that it may have answers, which go with it.
	Replies bool `json:"replies,omitempty"`
	// Key is of the creation of a comment that its author may ask for again. A build that does not know it stores the comment all the
	// same, and forgets the key: no reason for another version.
	Key *RequestKey `json:"key,omitempty"`
}

// RequestKey is the key of a request and what it asks for, as package idempotency hashes them.
type RequestKey struct {
	Hash   int64 `json:"hash"`
	Digest int64 `json:"digest"`
}

// CommentLikeEvent sets whether the user likes the comment.
type CommentLikeEvent struct {
	CommentID int64 `json:"comment_id"`
	// ToUserID wrote the comment.
	ToUserID int64 `json:"to_user_id"`
	Liked    bool  `json:"liked"`
}

// PinEvent says which comment the video's author has pinned.
type PinEvent struct {
	// CommentID began a thread; 0: none.
	CommentID int64 `json:"comment_id"`
}

// Versioned returns the event with the version that it needs.
func (e Event) Versioned() Event {
	e.V = Version
	if e.needsLatest() {
		e.V = Latest
	}
	return e
}

func (e Event) needsLatest() bool {
	c := e.Comment
	return e.CommentLike != nil || e.Pin != nil || c != nil && (c.RootID != 0 || c.ReplyToID != 0 || len(c.Mentions) > 0 || c.Replies)
}

// Owner decides about the partition of the queue: a user's events are all in one.
func (e Event) Owner() int64 { return e.UserID }

// Check reports what makes the event impossible to apply: another version, a missing id, no or two kinds, a text that
// does not fit, an answer to something later.
func (e Event) Check() error {
	switch {
	case e.V != Latest && (e.V != Version || e.needsLatest()):
		return fmt.Errorf("%w: version %d, want %d or %d", ErrBadEvent, e.V, Version, Latest)
	case e.ID <= 0 || e.AtMs <= 0 || e.UserID <= 0 || e.VideoID <= 0:
		return fmt.Errorf("%w: id %d at %d of user %d, video %d", ErrBadEvent, e.ID, e.AtMs, e.UserID, e.VideoID)
	case e.kinds() != 1:
		return fmt.Errorf("%w: %d is not of exactly one kind", ErrBadEvent, e.ID)
	case e.AuthorID <= 0 && e.CommentLike == nil && (e.Comment == nil || !e.Comment.Deleted):
		return fmt.Errorf("%w: %d names no author", ErrBadEvent, e.ID)
	case e.Comment != nil:
		return e.Comment.check(e.ID)
	case e.CommentLike != nil && (e.CommentLike.CommentID <= 0 || e.CommentLike.ToUserID <= 0), e.Pin != nil && e.Pin.CommentID < 0:
		return fmt.Errorf("%w: %d names no comment", ErrBadEvent, e.ID)
	}
	return nil
}

func (e Event) kinds() (n int) {
	for _, is := range []bool{e.Favorite != nil, e.Comment != nil, e.CommentLike != nil, e.Pin != nil} {
		if is {
			n++
		}
	}
	return n
}

func (c CommentEvent) check(eventID int64) error {
	answer := c.ReplyToID != 0
	switch {
	case c.CommentID <= 0:
		return fmt.Errorf("%w: %d names no comment", ErrBadEvent, eventID)
	case utf8.RuneCountInString(c.Content) > MaxContent || !utf8.ValidString(c.Content):
		return fmt.Errorf("%w: %d holds no storable text", ErrBadEvent, eventID)
	case c.RootID < 0 || c.RootID >= c.CommentID || c.ReplyToID < 0 || c.ReplyToID >= c.CommentID:
		return fmt.Errorf("%w: %d answers %d in the thread of %d, which are not earlier", ErrBadEvent, eventID, c.ReplyToID, c.RootID)
	case !c.Deleted && (answer != (c.RootID != 0) || answer != (c.ReplyToUserID > 0) || c.ReplyToID < c.RootID):
		return fmt.Errorf("%w: %d answers %d of user %d in the thread of %d", ErrBadEvent, eventID, c.ReplyToID, c.ReplyToUserID, c.RootID)
	case c.Deleted && c.Key != nil:
		return fmt.Errorf("%w: %d deletes with a key", ErrBadEvent, eventID)
	case len(c.Mentions) > MaxMentions:
		return fmt.Errorf("%w: %d mentions %d users", ErrBadEvent, eventID, len(c.Mentions))
	}
	return nil
}
