package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"
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
//
// An error whose outcome is not known (errno.From says so) is that of a commit whose answer was lost. After any other nothing is stored.
func (d *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), txTimeout)
	defer cancel()
	attempt := func() (struct{}, error) {
		err := d.transaction(own, fn)
		if !worthRetrying(err) || ctx.Err() != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}
	// The pauses are random, so that two that met do not meet again, and grow from about 4 to about 35 ms.
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: 4500 * time.Microsecond, RandomizationFactor: 1. / 3, Multiplier: 2, MaxInterval: time.Second,
	}
	_, err := backoff.Retry(own, attempt, backoff.WithBackOff(pauses), backoff.WithMaxTries(txAttempts))
	if worthRetrying(err) {
		return fmt.Errorf("sqldb: gave up a transaction: %w", err)
	}
	return Translate(err)
}

// Snapshot calls fn with a DB whose Read sees one moment of the schema. It is only valid inside of fn.
func (d *DB) Snapshot(ctx context.Context, fn func(at *DB) error) error {
	opts := &sql.TxOptions{ReadOnly: true} // SQLite: every transaction reads one moment
	if d.dialect == MySQL {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return d.Read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		at := *d
		at.Read = tx
		return fn(&at)
	}, opts)
}
