// Package mq defines what travels through the service's queue.
package mq

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Version is the layout of Event that this build writes and reads. A reader refuses others, so that a message it does
// not understand ends as a dead letter instead of half applied.
const Version = 1

// MaxContent is the length of a comment's text in characters.
const MaxContent = 500

// ErrBadEvent is wrapped by everything that Check finds.
var ErrBadEvent = errors.New("bad event")

// Event is one accepted write. Exactly one of Favorite and Comment is set. Events may arrive late, twice and in any
// order: ID tells which of two is newer.
type Event struct {
	V int `json:"v"`
	// ID is unique and time-ordered.
	ID int64 `json:"id"`
	// AtMs is when the write was accepted.
	AtMs    int64 `json:"at_ms"`
	UserID  int64 `json:"user_id"`
	VideoID int64 `json:"video_id"`
	// AuthorID is the video's author. Only the deletion of a comment may leave it out: it makes no counter.
	AuthorID int64 `json:"author_id,omitempty"`

	Favorite *FavoriteEvent `json:"favorite,omitempty"`
	Comment  *CommentEvent  `json:"comment,omitempty"`
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
}

// Check reports what makes the event impossible to apply: another version, a missing id, no or two kinds, a text that
// does not fit.
func (e Event) Check() error {
	switch {
	case e.V != Version:
		return fmt.Errorf("%w: version %d, want %d", ErrBadEvent, e.V, Version)
	case e.ID <= 0 || e.AtMs <= 0 || e.UserID <= 0 || e.VideoID <= 0:
		return fmt.Errorf("%w: id %d at %d of user %d, video %d", ErrBadEvent, e.ID, e.AtMs, e.UserID, e.VideoID)
	case (e.Favorite == nil) == (e.Comment == nil):
		return fmt.Errorf("%w: %d is not of exactly one kind", ErrBadEvent, e.ID)
	case e.Comment != nil && e.Comment.CommentID <= 0:
		return fmt.Errorf("%w: %d names no comment", ErrBadEvent, e.ID)
	case e.Comment != nil && (utf8.RuneCountInString(e.Comment.Content) > MaxContent || !utf8.ValidString(e.Comment.Content)):
		return fmt.Errorf("%w: %d holds no storable text", ErrBadEvent, e.ID)
	case e.AuthorID <= 0 && (e.Comment == nil || !e.Comment.Deleted):
		return fmt.Errorf("%w: %d names no author", ErrBadEvent, e.ID)
	}
	return nil
}
