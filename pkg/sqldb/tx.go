package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"gorm.io/gorm"

	"tiktok/pkg/deadline"
)

const (
	// txTimeout bounds one call of Tx with all its attempts.
	txTimeout = 15 * time.Second
	// txAttempts is how often a transaction is tried that loses against others.
	txAttempts = 5
)

// Tx runs fn in one transaction and commits it when fn returns nil, else rolls it back and returns fn's error through
// Translate. A transaction that lost a deadlock or waited too long for a lock is tried again, up to 5 times; one whose server went
// away before the COMMIT was sent, for up to 5 s, and not beyond the deadline of ctx. So fn must reset what it wrote into outer
// variables, and must not do anything else that cannot be repeated.
//
// Once begun, a transaction is not stopped by the end of ctx (a client that hangs up must not leave it in doubt);
// it has 15 seconds of its own. Tx does not start when ctx has ended already, and does not commit when its deadline has passed
// meanwhile: the caller has given up, and in a process that was stopped that may be long ago. Use tx for every statement inside of fn.
//
// An error whose outcome is not known (errno.From says so) is that of a commit whose answer was lost. After any other nothing is stored.
func (d *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if err := deadline.Check(ctx); err != nil {
		return err
	}
	until := patience(ctx)
	own, cancel := context.WithTimeout(patient(context.WithoutCancel(ctx), until), txTimeout)
	defer cancel()
	lost := 0
	attempt := func() (struct{}, error) {
		committing := false
		err := d.transaction(own, func(tx *gorm.DB) error {
			err := fn(tx)
			if err == nil && deadline.Passed(ctx) {
				err = context.DeadlineExceeded
			}
			committing = err == nil
			return err
		})
		switch {
		case err == nil:
			return struct{}{}, nil
		case deadline.Check(ctx) != nil:
		case worthRetrying(err):
			if lost++; lost < txAttempts {
				return struct{}{}, err
			}
		case !committing && isAway(err) && time.Now().Before(until):
			return struct{}{}, err
		}
		return struct{}{}, backoff.Permanent(err)
	}
	// The pauses are random, so that two that met do not meet again. They grow from about 4 to about 35 ms between attempts that lost, and
	// to a quarter of a second while the server is away.
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: 4500 * time.Microsecond, RandomizationFactor: 1. / 3, Multiplier: 2, MaxInterval: 250 * time.Millisecond,
	}
	_, err := backoff.Retry(own, attempt, backoff.WithBackOff(pauses))
	if worthRetrying(err) {
		return fmt.Errorf("sqldb: gave up a transaction: %w", err)
	}
	return Translate(err)
}

// Snapshot calls fn with a DB whose Read sees one moment of the schema, on Vitess of each of its shards. It is only valid inside of fn.
func (d *DB) Snapshot(ctx context.Context, fn func(at *DB) error) error {
	opts := &sql.TxOptions{ReadOnly: true} // SQLite: every transaction reads one moment
	if d.dialect == MySQL && !d.server.ownLevel.Load() {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return d.Read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		at := *d
		at.Read, at.Stale = tx, tx
		return fn(&at)
	}, opts)
}
