package sqldb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

const (
	// txTimeout bounds one call of Tx with all its attempts.
	txTimeout = 15 * time.Second
	// txAttempts is how often a transaction is tried that lost against another one.
	txAttempts = 5
)

// Tx runs fn in one transaction and commits it when fn returns nil, else rolls it back and returns fn's error through
// Translate. A transaction that lost a deadlock or waited too long for a lock is tried again, up to 5 times: fn must
// reset what it wrote into outer variables, and must not do anything else that cannot be repeated.
//
// Once begun, a transaction is not stopped by the end of ctx (a client that hangs up must not leave it in doubt);
// it has 15 seconds of its own. Tx does not start when ctx has ended already. Use tx for every statement inside of fn.
func (d *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), txTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := d.transaction(own, fn)
		if err == nil {
			return nil
		}
		if !worthRetrying(err) {
			return Translate(err)
		}
		if attempt == txAttempts || ctx.Err() != nil {
			return fmt.Errorf("sqldb: gave up after %d attempts: %w", attempt, err)
		}
		if err := wait(own, backoff(attempt)); err != nil {
			return err
		}
	}
}

// ForUpdate makes the SELECT that tx is about to run lock its rows until the transaction ends. On SQLite a
// transaction is alone with the file already.
func (d *DB) ForUpdate(tx *gorm.DB) *gorm.DB {
	if d.dialect == SQLite {
		return tx
	}
	return tx.Clauses(clause.Locking{Strength: "UPDATE"})
}

// backoff is random, so that two that met do not meet again, and grows from about 2 to about 50 ms.
func backoff(attempt int) time.Duration {
	most := 3 * time.Millisecond << attempt
	return most/2 + rand.N(most/2)
}

// wait returns early with the error of ctx when that ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
