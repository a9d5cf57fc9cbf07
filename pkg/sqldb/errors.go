package sqldb

import (
	"database/sql"
	"errors"

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

// worthRetrying tells a transaction that was rolled back only because of another one.
func worthRetrying(err error) bool {
	return isMySQLError(err, mysqlDeadlock, mysqlLockTimeout, mysqlRowChanged) || isSQLiteBusy(err)
}
