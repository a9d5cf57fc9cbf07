package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// auditStep is how many wrong counters one statement of Audit returns.
const auditStep = 1000

// auditSQL recounts the authors after one id and returns those whose counter is wrong, also those without a counter row.
// It is one statement, so it sees one moment of the database, also while others write.
const auditSQL = `SELECT author_id, SUM(counter) AS counter, SUM(counted) AS counted FROM (
		SELECT author_id, work_count AS counter, 0 AS counted FROM author_stats WHERE author_id > ?
		UNION ALL
		SELECT author_id, 0, COUNT(*) FROM videos WHERE author_id > ? GROUP BY author_id
	) counts GROUP BY author_id HAVING SUM(counter) <> SUM(counted) ORDER BY author_id LIMIT ?`

// auditStorageSQL does the same for what authors store.
const auditStorageSQL = `SELECT author_id, SUM(counter) AS counter, SUM(counted) AS counted FROM (
		SELECT author_id, stored_bytes AS counter, 0 AS counted FROM author_storage WHERE author_id > ?
		UNION ALL
		SELECT author_id, 0, SUM(quota_bytes) FROM video_media WHERE author_id > ? GROUP BY author_id
	) counts GROUP BY author_id HAVING SUM(counter) <> SUM(counted) ORDER BY author_id LIMIT ?`

// Counters is how many counters Audit recounts.
func (s *Store) Counters(ctx context.Context) (n int64, err error) {
	const query = "SELECT (SELECT COUNT(*) FROM author_stats) + (SELECT COUNT(*) FROM author_storage)"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters: %w", sqldb.Translate(err))
	}
	return n, nil
}

// Audit recounts every author's videos, and the bytes of their uploads, and calls report for each whose counter differs. It
// may run while others write. It changes nothing.
func (s *Store) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	works, err := s.audit(ctx, auditSQL, report, "author %d: work_count is %d, has %d videos")
	if err != nil {
		return works, err
	}
	storage, err := s.audit(ctx, auditStorageSQL, report, "author %d: stored_bytes is %d, has %d bytes of uploads")
	return works + storage, err
}

func (s *Store) audit(
	ctx context.Context, query string, report func(format string, args ...any), format string,
) (mismatches int, err error) {
	for after := int64(-1); ; {
		var wrong []struct{ AuthorID, Counter, Counted int64 }
		if err := s.Read.WithContext(ctx).Raw(query, after, after, auditStep).Scan(&wrong).Error; err != nil {
			return mismatches, fmt.Errorf("audit: %w", sqldb.Translate(err))
		}
		for _, w := range wrong {
			report(format, w.AuthorID, w.Counter, w.Counted)
			after = w.AuthorID
		}
		mismatches += len(wrong)
		if len(wrong) < auditStep {
			return mismatches, nil
		}
	}
}
