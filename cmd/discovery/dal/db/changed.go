package db

import "gorm.io/gorm"

// Changed is what one transaction has changed in the catalogue: what really is another now. A message that came again, or late, changes
// nothing. Each like, follow and video is there once.
type Changed struct {
	// LikesBegan and LikesEnded are as they are now; AtMs of one that ended is when that like began.
	LikesBegan, LikesEnded []Like
	// FollowsBegan and FollowsEnded are as they are now.
	FollowsBegan, FollowsEnded []Follow
	// Listed are videos that are there now, Gone are those that were there and are not any more. Both have all their columns.
	Listed, Gone []Video
}

// Within does what belongs to a change of the catalogue, in its transaction. It comes after the catalogue's own rows; the catalogue's clock
// is locked, so nobody else changes the catalogue. The number of its statements must not grow with what has changed, which is at most
// MaxChanges. The transaction may be tried again: it must not do anything else that cannot be repeated.
type Within func(tx *gorm.DB, c *Changed) error
