package db

import (
	"context"

	"tiktok/pkg/sqldb"
)

// Gone is what is no more.
type Gone struct {
	VideoIDs, UserIDs []int64
	// Position is the number of the last change of the catalogue that this shows.
	Position int64
}

// goneSQL reads what is gone, of one moment. The sums keep one of the two conditions from the indexes: what is gone is read by gone_ms as a
// whole, and by what has changed since.
const (
	goneSQL = `SELECT 0 AS kind, seq AS id FROM catalogue_clock WHERE id = 1
		UNION ALL SELECT 1, id FROM videos WHERE gone_ms > 0 UNION ALL SELECT 2, id FROM users WHERE gone_ms > 0`
	goneSinceSQL = `SELECT 0 AS kind, seq AS id FROM catalogue_clock WHERE id = 1
		UNION ALL SELECT 1, id FROM videos WHERE changed_seq > ? AND gone_ms + 0 > 0
		UNION ALL SELECT 2, id FROM users WHERE changed_seq > ? AND gone_ms + 0 > 0`
)

// GoneSince reads which videos and users are gone by changes after the one with that number, in one statement; 0: all whose rows are there.
func (s *Store) GoneSince(ctx context.Context, seq int64) (gone Gone, err error) {
	query := s.Read.WithContext(ctx).Raw(goneSQL)
	if seq > 0 {
		query = s.Read.WithContext(ctx).Raw(goneSinceSQL, seq, seq)
	}
	type row struct{ Kind, ID int64 }
	err = sqldb.Rows[row]{Query: query}.Each(func(r row) {
		switch r.Kind {
		case 0:
			gone.Position = r.ID
		case 1:
			gone.VideoIDs = append(gone.VideoIDs, r.ID)
		default:
			gone.UserIDs = append(gone.UserIDs, r.ID)
		}
	})
	return gone, err
}
