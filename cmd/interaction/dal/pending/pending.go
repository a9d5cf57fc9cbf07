// Package pending names the lists of accepted writes that the writer may not have stored yet: cmd/internal/pending keeps them.
//
// Each user has three lists: of likes, of comments, and of reactions to comments.
package pending

import (
	"log/slog"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/internal/pending"
	"tiktok/pkg/kv"
)

// eventBytes is the size of an event without its text.
const eventBytes = 64

// List names one list of pending events.
type List = pending.List

// Writes are the lists of all users. A nil Writes has none: nothing is ever pending.
type Writes = pending.Writes[mq.Event]

// Likes is the list of a user's pending likes and unlikes of videos.
func Likes(userID int64) List {
	return List{User: userID, Kind: pending.Kind{Name: "plikes:v1", MostBytes: eventBytes}}
}

// Comments is the list of a user's pending comments and deletions of comments.
func Comments(userID int64) List {
	return List{User: userID, Kind: pending.Kind{Name: "pcomments:v1", MostBytes: eventBytes + 4*mq.MaxContent}}
}

// Reactions is the list of a user's pending likes and unlikes of comments, and of what they pin. They are not in the list of likes: that
// one is read for every user whose counters are asked for.
func Reactions(userID int64) List {
	return List{User: userID, Kind: pending.Kind{Name: "preactions:v1", MostBytes: eventBytes}}
}

// ListOf is the list that holds e while it is pending.
func ListOf(e mq.Event) List {
	switch {
	case e.Favorite != nil:
		return Likes(e.UserID)
	case e.Comment != nil:
		return Comments(e.UserID)
	}
	return Reactions(e.UserID)
}

// New returns the lists in s, or nil when s has no lists. A nil log switches that off.
func New(s kv.Store, log *slog.Logger) *Writes {
	return pending.New(s, log, pending.Options[mq.Event]{
		Service: "interaction", List: ListOf, ID: func(e mq.Event) int64 { return e.ID }, Check: mq.Event.Check,
		Bytes: bytes, Replaces: replaces,
	})
}

func bytes(e mq.Event) int {
	if e.Comment != nil {
		return eventBytes + len(e.Comment.Content)
	}
	return eventBytes
}

// replaces is the creation of a comment that e deletes: its deletion is all there is to know of the comment.
func replaces(e mq.Event) int64 {
	if e.Comment != nil && e.Comment.Deleted {
		return e.Comment.CommentID
	}
	return 0
}
