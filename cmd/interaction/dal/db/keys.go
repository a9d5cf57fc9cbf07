package db

import (
	"context"

	"tiktok/pkg/idempotency"
)

// Keys are the requests for comments that may be repeated. Their owners are the videos, their results the comments.
func (s *Store) Keys() idempotency.Store { return idempotency.NewStore(s.DB) }

// LockKeys reads and locks what is remembered of requests. Sorted requests keep two writers from waiting for each other.
func (t *Tx) LockKeys(requests []idempotency.Request, anywhere bool) (map[idempotency.Request]idempotency.Row, error) {
	return idempotency.NewStore(t.db).Lock(t.tx, requests, anywhere)
}

// AddKeys remembers requests of which LockKeys has found nothing.
func (t *Tx) AddKeys(rows []idempotency.Row) error { return idempotency.Add(t.tx, rows...) }

// ReplaceKeys remembers requests in the place of those that are forgotten by now.
func (t *Tx) ReplaceKeys(rows []idempotency.Row) error {
	return idempotency.NewStore(t.db).Replace(t.tx, rows)
}

// ClaimKey remembers a request whose comment is not stored yet. It fails with sqldb.ErrDuplicate when its key has a row.
func (s *Store) ClaimKey(ctx context.Context, row idempotency.Row) error {
	return s.Update(ctx, func(tx *Tx) error { return tx.AddKeys([]idempotency.Row{row}) })
}
