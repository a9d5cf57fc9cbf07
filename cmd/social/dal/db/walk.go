package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// Pair is the key of a Follow.
type Pair struct{ UserID, ToUserID int64 }

// FollowsAfter reads up to limit rows behind a key, in the order of keys: it is for those who copy them or compare other data with them.
func (s *Store) FollowsAfter(ctx context.Context, after Pair, limit int) ([]Follow, error) {
	rows, err := sqldb.Select[Follow](s.Read.WithContext(ctx), s.followsAfterSQL(), after.UserID, after.ToUserID, after.UserID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through follows: %w", err)
	}
	return rows, nil
}

func (s *Store) followsAfterSQL() string {
	return "FROM follows WHERE " + s.AfterPair("user_id", "to_user_id") + " ORDER BY user_id, to_user_id LIMIT ?"
}

// FollowRows reads the rows of up to 1000 pairs.
func (s *Store) FollowRows(ctx context.Context, pairs []Pair) ([]Follow, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	keys := make([][]int64, len(pairs))
	for i, p := range pairs {
		keys[i] = []int64{p.UserID, p.ToUserID}
	}
	read := s.Read.WithContext(ctx)
	query := sqldb.Keyed{Table: "follows", Columns: []string{"user_id", "to_user_id"}}.Query(s.DB, read, keys)
	rows, err := sqldb.Rows[Follow]{Query: query.Select(sqldb.Columns[Follow](read, "t"))}.All()
	if err != nil {
		return nil, fmt.Errorf("read follows: %w", err)
	}
	return rows, nil
}
