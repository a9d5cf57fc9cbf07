package idempotency

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

const (
	table = "request_keys"
	// purgeRows is how many rows one step of Purge removes.
	purgeRows = 1000
)

// Store is the table of one service.
type Store struct{ db *sqldb.DB }

// NewStore is the table in a service's migrated schema.
func NewStore(db *sqldb.DB) Store { return Store{db} }

// Add writes a row in the transaction of what its request makes. It fails with sqldb.ErrDuplicate, by Translate, when the key has one:
// it waits for the end of a transaction that has just written it.
func Add(tx *gorm.DB, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.Create(&rows).Error
}

// AddTo writes the row of a request in the transaction of what it makes, as Add does. A request without a key, nil, has none.
func (r *Request) AddTo(tx *gorm.DB, resultID, atMs int64) error {
	if r == nil {
		return nil
	}
	return Add(tx, r.Row(resultID, atMs))
}

// Find reads the row of a request that its owner has.
func (s Store) Find(ctx context.Context, r Request) (row Row, ok bool, err error) {
	return s.find(ctx, "owner_id = ? AND user_id = ? AND key_hash = ?", r.Owner, r.User, r.KeyHash)
}

// FindAnywhere reads the row of a request's key, whoever its owner is. On a sharded database it asks every shard.
func (s Store) FindAnywhere(ctx context.Context, r Request) (row Row, ok bool, err error) {
	return s.find(ctx, "user_id = ? AND key_hash = ?", r.User, r.KeyHash)
}

func (s Store) find(ctx context.Context, where string, args ...any) (row Row, ok bool, err error) {
	rows, err := sqldb.Select[Row](s.db.Read.WithContext(ctx), "FROM "+table+" WHERE "+where, args...).All()
	if err != nil {
		return Row{}, false, fmt.Errorf("read the key of a request: %w", err)
	}
	if len(rows) == 0 {
		return Row{}, false, nil
	}
	return rows[0], true, nil
}

// Once calls write, which has to Add the row of r in its transaction, unless that is known to have been done with the same key before:
// then it returns that row. It fails with errno.IdempotencyKeyReused, and with the error of write. Without a request, nil, it just
// calls write.
func (s Store) Once(ctx context.Context, r *Request, atMs int64, write func() error) (first Row, repeated bool, err error) {
	for range 3 {
		err = write()
		if r == nil || !errors.Is(err, sqldb.ErrDuplicate) {
			return Row{}, false, err
		}
		row, ok, ferr := s.FindAnywhere(ctx, *r)
		if ferr != nil {
			return Row{}, false, ferr
		}
		if !ok { // another key of the tables is there twice, or the row was purged just now
			continue
		}
		repeated, ferr := row.Answers(*r, atMs)
		if ferr != nil || repeated {
			return row, repeated, ferr
		}
		if ferr := s.forget(ctx, row); ferr != nil {
			return Row{}, false, ferr
		}
	}
	return Row{}, false, err
}

// forget removes a row as it is.
func (s Store) forget(ctx context.Context, row Row) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		return tx.Where("owner_id = ? AND user_id = ? AND key_hash = ? AND at_ms = ?", row.OwnerID, row.UserID, row.KeyHash, row.AtMs).
			Delete(&Row{}).Error
	})
	if err != nil {
		return fmt.Errorf("forget the key of a request: %w", err)
	}
	return nil
}

// Lock reads and locks the rows of requests: those that their owners have, or with anywhere those of their keys, whoever the owners are.
func (s Store) Lock(tx *gorm.DB, requests []Request, anywhere bool) (map[Request]Row, error) {
	keys, columns := make([][]int64, len(requests)), []string{"user_id", "key_hash", "owner_id"}
	if anywhere {
		columns = columns[:2]
	}
	of := make(map[[2]int64][]Request, len(requests))
	for i, r := range requests {
		keys[i] = []int64{r.User, r.KeyHash, r.Owner}[:len(columns)]
		of[[2]int64{r.User, r.KeyHash}] = append(of[[2]int64{r.User, r.KeyHash}], r)
	}
	q := sqldb.Keyed{Table: table, Columns: columns}.Query(s.db, s.db.ForUpdate(tx), keys)
	found := make(map[Request]Row, len(requests))
	err := sqldb.Rows[Row]{Query: q.Select(sqldb.Columns[Row](tx, "t"))}.Each(func(row Row) {
		for _, r := range of[[2]int64{row.UserID, row.KeyHash}] {
			found[r] = row
		}
	})
	return found, err
}

// Replace writes rows in the place of those that have expired.
func (s Store) Replace(tx *gorm.DB, rows []Row) error {
	for _, row := range rows {
		err := tx.Model(&Row{}).Where("user_id = ? AND key_hash = ?", row.UserID, row.KeyHash).
			Updates(map[string]any{"owner_id": row.OwnerID, "digest": row.Digest, "result_id": row.ResultID, "at_ms": row.AtMs}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Purge removes some of the rows from before a time. done says that none are left.
func (s Store) Purge(ctx context.Context, beforeMs int64) (removed int64, done bool, err error) {
	var rows []Row
	err = s.db.Read.WithContext(ctx).Select("owner_id", "user_id", "key_hash").Where("at_ms < ?", beforeMs).Order("at_ms").
		Limit(purgeRows).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, true, err
	}
	keys := make([][]int64, len(rows))
	for i, row := range rows {
		keys[i] = []int64{row.UserID, row.KeyHash, row.OwnerID}
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		// Replaced meanwhile, it stays.
		removed, err = sqldb.Keyed{Table: table, Columns: []string{"user_id", "key_hash", "owner_id"}}.
			DeleteWhere(s.db, tx, keys, "at_ms < ?", beforeMs)
		return err
	})
	return removed, len(rows) < purgeRows, err
}
