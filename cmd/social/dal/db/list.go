package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"tiktok/pkg/sqldb"
)

// Entry is one line of a list: a user, and the id of the follow that puts the user there.
type Entry struct {
	FollowID int64
	UserID   int64
}

// List is one of the lists that each user has.
type List int

const (
	// Following are whom a user follows, most recently followed first.
	Following List = iota
	// Followers are who follows a user, most recent follower first.
	Followers
	// Friends are who follow each other, in the order of Following.
	Friends
)

const (
	followingSQL = `SELECT user_id AS owner_id, id AS follow_id, to_user_id AS other_id FROM follows
		WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`
	followersSQL = `SELECT to_user_id AS owner_id, id AS follow_id, user_id AS other_id FROM follows
		WHERE to_user_id = ? AND id < ? ORDER BY id DESC LIMIT ?`

	// Both dialects are told to walk through whom the user follows, in list order, and to look each one up by the primary
	// key: that list is as long as one person's clicks, while the followers of a famous user have no bound. CROSS JOIN
	// fixes the order on SQLite, STRAIGHT_JOIN on MySQL.
	friendsSQLite = `SELECT f.user_id AS owner_id, f.id AS follow_id, f.to_user_id AS other_id
		FROM follows f CROSS JOIN follows b
		WHERE f.user_id = ? AND f.id < ? AND b.user_id = f.to_user_id AND b.to_user_id = f.user_id
		ORDER BY f.id DESC LIMIT ?`
	friendsMySQL = `SELECT f.user_id AS owner_id, f.id AS follow_id, f.to_user_id AS other_id
		FROM follows f STRAIGHT_JOIN follows b FORCE INDEX (PRIMARY) ON b.user_id = f.to_user_id AND b.to_user_id = f.user_id
		WHERE f.user_id = ? AND f.id < ?
		ORDER BY f.id DESC LIMIT ?`
)

// Page reads up to limit entries of a user's list. before is the FollowID of the last entry of the page before, 0 for the
// first page.
func (s *Store) Page(ctx context.Context, l List, userID, before int64, limit int) ([]Entry, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	lists, err := s.lists(ctx, s.listSQL(l), userID, before, limit)
	return lists[userID], err
}

// First reads up to limit first entries of a list of each of the users, in one statement for every 100 users. Who has an
// empty list is absent.
func (s *Store) First(ctx context.Context, l List, userIDs []int64, limit int) (map[int64][]Entry, error) {
	all := make(map[int64][]Entry, len(userIDs))
	for part := range slices.Chunk(userIDs, maxUnion) {
		args := make([]any, 0, 3*len(part))
		for _, id := range part {
			args = append(args, id, int64(math.MaxInt64), limit)
		}
		lists, err := s.lists(ctx, sqldb.UnionAll(s.firstSQL(l), len(part)), args...)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, lists)
	}
	for _, entries := range all { // no database promises the order of a union
		slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(b.FollowID, a.FollowID) })
	}
	return all, nil
}

// firstSQL can be part of a union.
func (s *Store) firstSQL(l List) string { return "SELECT * FROM (" + s.listSQL(l) + ") AS l" }

func (s *Store) listSQL(l List) string {
	switch {
	case l == Following:
		return followingSQL
	case l == Followers:
		return followersSQL
	case s.IsSQLite():
		return friendsSQLite
	}
	return friendsMySQL
}

// lists reads entries by the owner of their list.
func (s *Store) lists(ctx context.Context, query string, args ...any) (map[int64][]Entry, error) {
	type row struct{ OwnerID, FollowID, OtherID int64 } // vtgate splits a join of two shards, where names of columns would be ambiguous
	lists := map[int64][]Entry{}
	err := sqldb.Rows[row]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.Each(func(r row) {
		lists[r.OwnerID] = append(lists[r.OwnerID], Entry{FollowID: r.FollowID, UserID: r.OtherID})
	})
	if err != nil {
		return nil, fmt.Errorf("list follows: %w", err)
	}
	return lists, nil
}
