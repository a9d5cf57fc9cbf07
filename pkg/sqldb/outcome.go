package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

// outcomeUnknown marks the error of a write that the database may have done all the same. errno.From knows it by its method and answers
// OutcomeUnknown; the text stays for the log.
type outcomeUnknown struct{ error }

// OutcomeUnknown tells errno.From.
func (outcomeUnknown) OutcomeUnknown() bool { return true }

// Unwrap is the cause.
func (u outcomeUnknown) Unwrap() error { return u.error }

// markUnknown marks the error of a COMMIT, unless it certainly has not committed: it was not sent, or the server says that it lost
// against another transaction, repeats a key, or has no room.
func markUnknown(err error) error {
	switch {
	case err == nil, notSent(err), worthRetrying(err), errors.Is(Translate(err), ErrDuplicate), isFull(err):
		return err
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err // database/sql has rolled back before
	}
	return outcomeUnknown{err}
}

// noConnection is the error of a connection that did not come about.
type noConnection struct{ error }

// Unwrap is the cause.
func (n noConnection) Unwrap() error { return n.error }

// notSent tells an error from before the server was given the statement.
func notSent(err error) bool {
	var none noConnection
	return errors.Is(err, driver.ErrBadConn) || errors.As(err, &none)
}

// markLost marks the error of one statement outside of a transaction, which commits by itself, when the connection was lost or
// given up while it was under way.
func markLost(tx *gorm.DB) {
	if _, inside := tx.Statement.ConnPool.(gorm.TxCommitter); inside || tx.Error == nil || notSent(tx.Error) {
		return
	}
	var network net.Error
	err := tx.Error
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		tx.Error = outcomeUnknown{err}
	}
}

// markLostWrites calls markLost after every statement that writes.
func markLostWrites(g *gorm.DB) error {
	const name = "sqldb:outcome"
	on := g.Callback()
	return errors.Join(
		on.Create().After("*").Register(name, markLost), on.Update().After("*").Register(name, markLost),
		on.Delete().After("*").Register(name, markLost), on.Raw().After("*").Register(name, markLost),
	)
}
