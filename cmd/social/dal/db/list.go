package db

import (
	"context"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

// Entry is one line of a list: a user, and the id of the follow that puts the user there.
type Entry struct {
	FollowID int64
	UserID   int64
}

const (
	followingSQL = `SELECT id AS follow_id, to_user_id AS other_id FROM follows
		WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`
	followersSQL = `SELECT id AS follow_id, user_id AS other_id FROM follows
		WHERE to_user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`

	// Both dialects are told to walk through whom the user follows, in list order, and to look each one up by the primary
	// key: that list is as long as one person's clicks, while the followers of a famous user have no bound. CROSS JOIN
	// fixes the order on SQLite, STRAIGHT_JOIN on MySQL.
	friendsSQLite = `SELECT f.id AS follow_id, f.to_user_id AS other_id
		FROM follows f CROSS JOIN follows b
		WHERE f.user_id = ? AND f.id < ? AND b.user_id = f.to_user_id AND b.to_user_id = f.user_id
		ORDER BY f.id DESC LIMIT ?`
	friendsMySQL = `SELECT f.id AS follow_id, f.to_user_id AS other_id
		FROM follows f STRAIGHT_JOIN follows b ON b.user_id = f.to_user_id AND b.to_user_id = f.user_id
		WHERE f.user_id = ? AND f.id < ?
		ORDER BY f.id DESC LIMIT ?`
)

// ListFollowing reads up to limit users whom userID follows, most recently followed first. before is the FollowID of the
// last entry of the page before, 0 for the first page.
func (s *Store) ListFollowing(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	return s.list(ctx, followingSQL, userID, before, limit)
}

// ListFollowers reads up to limit users who follow userID, most recent follower first. before is as in ListFollowing.
func (s *Store) ListFollowers(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	return s.list(ctx, followersSQL, userID, before, limit)
}

// ListFriends reads up to limit users who follow userID and are followed back, in the order of ListFollowing. before is
// as there.
func (s *Store) ListFriends(ctx context.Context, userID, before int64, limit int) ([]Entry, error) {
	return s.list(ctx, s.friendsSQL(), userID, before, limit)
}

func (s *Store) friendsSQL() string {
	if s.sqlite() {
		return friendsSQLite
	}
	return friendsMySQL
}

func (s *Store) list(ctx context.Context, query string, userID, before int64, limit int) ([]Entry, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var entries []Entry
	err := sqldb.Each(s.db.Read.WithContext(ctx).Raw(query, userID, before, limit),
		func(e *Entry) []any { return []any{&e.FollowID, &e.UserID} }, func(e Entry) { entries = append(entries, e) })
	if err != nil {
		return nil, fmt.Errorf("list follows: %w", sqldb.Translate(err))
	}
	return entries, nil
}
