package db

import (
	"context"
	"fmt"
	"math"

	"tiktok/pkg/sqldb"
)

// auditStep is how many counter rows one statement of Audit compares.
const auditStep = 1000

// auditSQL recounts the users of one range of ids and returns those whose counters are wrong: also those without a
// counter row. It is one statement, so it sees one moment of the database, also while others write.
const auditSQL = `SELECT user_id, SUM(stored_following) AS stored_following, SUM(stored_followers) AS stored_followers,
		SUM(following) AS following, SUM(followers) AS followers FROM (
		SELECT user_id, follow_count AS stored_following, follower_count AS stored_followers, 0 AS following, 0 AS followers
		FROM social_stats WHERE user_id > ? AND user_id <= ?
		UNION ALL
		SELECT user_id, 0, 0, COUNT(*), 0 FROM follows WHERE user_id > ? AND user_id <= ? GROUP BY user_id
		UNION ALL
		SELECT to_user_id, 0, 0, 0, COUNT(*) FROM follows WHERE to_user_id > ? AND to_user_id <= ? GROUP BY to_user_id
	) counts GROUP BY user_id
	HAVING SUM(stored_following) <> SUM(following) OR SUM(stored_followers) <> SUM(followers)
	ORDER BY user_id`

// Counters is how many counters Audit recounts.
func (s *Store) Counters(ctx context.Context) (n int64, err error) {
	const query = "SELECT 2 * COUNT(*) FROM social_stats"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters: %w", sqldb.Translate(err))
	}
	return n, nil
}

// Audit recounts every counter from the rows of follows, range by range, and calls report for each user whose counters
// differ. It may run while others write. It changes nothing.
func (s *Store) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	for after := int64(math.MinInt64); after < math.MaxInt64; {
		upTo, err := s.auditBound(ctx, after)
		if err != nil {
			return mismatches, err
		}
		n, err := s.auditRange(ctx, after, upTo, report)
		mismatches += n
		if err != nil {
			return mismatches, err
		}
		after = upTo
	}
	return mismatches, nil
}

// auditBound returns the last id of the range that begins after a user: auditStep counter rows, or everything that is left.
func (s *Store) auditBound(ctx context.Context, after int64) (int64, error) {
	ids := make([]int64, 0, auditStep)
	err := s.Read.WithContext(ctx).Model(&Stats{}).Where("user_id > ?", after).
		Order("user_id").Limit(auditStep).Pluck("user_id", &ids).Error
	if err != nil {
		return 0, fmt.Errorf("audit: %w", sqldb.Translate(err))
	}
	if len(ids) < auditStep {
		return math.MaxInt64, nil
	}
	return ids[len(ids)-1], nil
}

func (s *Store) auditRange(ctx context.Context, after, upTo int64, report func(string, ...any)) (mismatches int, err error) {
	type row struct{ UserID, StoredFollowing, StoredFollowers, Following, Followers int64 }
	query := s.Read.WithContext(ctx).Raw(auditSQL, after, upTo, after, upTo, after, upTo)
	err = sqldb.Rows[row]{Query: query}.Each(func(r row) {
		mismatches++
		report("user %d: follow_count is %d, follows %d; follower_count is %d, followed by %d",
			r.UserID, r.StoredFollowing, r.Following, r.StoredFollowers, r.Followers)
	})
	if err != nil {
		return mismatches, fmt.Errorf("audit: %w", err)
	}
	return mismatches, nil
}
