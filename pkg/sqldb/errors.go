package sqldb

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

var (
	// ErrNotFound means that no row matched where one was expected.
	ErrNotFound = errors.New("sqldb: not found")
	// ErrDuplicate means that a row with the same unique key is there already.
	ErrDuplicate = errors.New("sqldb: duplicate key")
)

// Translate turns what GORM and the drivers return into ErrNotFound or ErrDuplicate, so that nothing above dal/db has
// to know them. Every other error, and nil, stays as it is: its text is for the log, never for a client.
func Translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrDuplicate):
		return err
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey), isMySQLError(err, mysqlDuplicate), isSQLiteDuplicate(err):
		return ErrDuplicate
	default:
		return err
	}
}

// unavailable marks an error that is no fault of the statement: the database was not reached, or had no time or no
// room for it. errno.From knows it by its method and answers Unavailable; the text stays for the log.
type unavailable struct{ error }

// Unavailable tells errno.From.
func (unavailable) Unavailable() bool { return true }

// Unwrap is the cause.
func (u unavailable) Unwrap() error { return u.error }

// markUnavailable marks what isUnavailable finds, once. Every error of GORM goes through it, by the dialects' Translate.
func markUnavailable(err error) error {
	var marked unavailable
	if err == nil || !isUnavailable(err) || errors.As(err, &marked) {
		return err
	}
	return unavailable{err}
}

// isUnavailable tells that the same statement may well succeed later.
func isUnavailable(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) ||
		isMySQLAway(err) || isFull(err) || worthRetrying(err)
}

// isFull tells that the database's disk has no room.
func isFull(err error) bool {
	return isMySQLError(err, mysqlDiskFull, mysqlTableFull) || isSQLiteFull(err)
}

// worthRetrying tells a transaction that was rolled back only because of another one.
func worthRetrying(err error) bool {
	return isMySQLError(err, mysqlDeadlock, mysqlLockTimeout, mysqlRowChanged, mysqlGroupConflict,
		tidbTryAgain, tidbRolledBack, tidbSchemaChanged, tidbConflict) || isSQLiteBusy(err)
}
