package db

import (
	"context"

	"gorm.io/gorm"

	"tiktok/pkg/outbox"
)

// Change is what one transaction has changed about a video, for others who hear of it. The row of work is locked until the commit, so
// the changes of one video are told in their order.
type Change struct {
	// Media is the row of work as it is stored now; of a deletion, as it was before.
	Media Media
	// Listed is the video that everybody can see from now on. Nil: nothing was listed.
	Listed *Video
	// Files says that a listed video has other files.
	Files bool
	// Upload says that the author sees another state of the upload, or that it is listed.
	Upload bool
	// Deleted says that the video, or the upload, is gone.
	Deleted bool
}

// Telling returns a store that tells others what it changes: it writes what messages makes of the changes into the outbox, in their
// transaction, and calls wake afterwards. One that New returns tells nobody.
func (s *Store) Telling(messages func(changes []Change) ([]outbox.Message, error), wake func()) *Store {
	return &Store{DB: s.DB, messages: messages, wake: wake}
}

// change runs a transaction and tells others what it returns.
func (s *Store) change(ctx context.Context, fn func(tx *gorm.DB) ([]Change, error)) error {
	told := false
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		told = false // the transaction may be tried again
		changes, err := fn(tx)
		if err != nil || len(changes) == 0 || s.messages == nil {
			return err
		}
		messages, err := s.messages(changes)
		if err != nil {
			return err
		}
		told = len(messages) > 0
		return outbox.Add(tx, messages...)
	})
	if told { // also after an error: the commit may have happened
		s.wake()
	}
	return err
}

// uploadChange is the change from before to now, when the author sees one: another state of an upload that is shown, or shown until
// now, or that it is listed.
func uploadChange(before, now Media) Change {
	shown := before.Pending != 0 || now.Pending != 0
	return Change{Media: now, Upload: shown && (before.State != now.State || before.Listed != now.Listed)}
}
