package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// server is what answers behind an address, by its VERSION(). It is empty until the first session is open.
type server struct {
	version atomic.Pointer[string]
	// ownLevel is set for MariaDB behind vtgate, which asks it by MySQL's names: the level is what its configuration says.
	ownLevel atomic.Bool
}

func (s *server) is(names ...string) bool {
	version := s.version.Load()
	for _, name := range names {
		if version != nil && strings.Contains(*version, name) {
			return true
		}
	}
	return false
}

// hasJSONTable tells whether statements may read JSON_TABLE: not on TiDB, which has none, nor on Vitess, which cannot send one to its
// shards.
func (s *server) hasJSONTable() bool { return !s.is("vitess", "tidb") }

// session waits for a server that is away, and gives each new session its settings.
type session struct {
	driver.Connector
	server *server
}

// Connect implements driver.Connector.
func (c session) Connect(ctx context.Context) (driver.Conn, error) {
	return untilBack(ctx, isAway, c.connect)
}

func (c session) connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, noConnection{err}
	}
	if err := c.prepare(ctx, conn); err != nil {
		return nil, noConnection{errors.Join(err, conn.Close())}
	}
	return conn, nil
}

// prepare sets the isolation level, whose variable MySQL and MariaDB call by different names. MariaDB also ends a transaction of a process
// that hangs, whose locks others wait for; vtgate and TiDB have settings of their own for that, MySQL none.
func (c session) prepare(ctx context.Context, conn driver.Conn) error {
	if c.server.version.Load() == nil {
		version, err := versionOf(ctx, conn)
		if err != nil {
			return err
		}
		c.server.version.Store(&version)
	}
	settings := []string{"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"}
	if c.server.is("mariadb") {
		settings = append(settings, fmt.Sprintf("SET SESSION idle_transaction_timeout = %d", int(idleTransaction.Seconds())))
	}
	e, ok := conn.(driver.ExecerContext)
	if !ok {
		return errors.New("sqldb: the MySQL driver cannot execute")
	}
	for _, set := range settings {
		_, err := e.ExecContext(ctx, set, nil)
		if isMySQLError(err, mysqlUnknownVariable) && c.server.is("vitess") {
			c.server.ownLevel.Store(true)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// versionOf asks for VERSION(), in lower case.
func versionOf(ctx context.Context, conn driver.Conn) (version string, err error) {
	q, ok := conn.(driver.QueryerContext)
	if !ok {
		return "", errors.New("sqldb: the MySQL driver cannot query")
	}
	rows, err := q.QueryContext(ctx, "SELECT VERSION()", nil)
	if err != nil {
		return "", err
	}
	row := make([]driver.Value, len(rows.Columns()))
	if err = rows.Next(row); err == nil {
		text, _ := row[0].([]byte)
		version = strings.ToLower(string(text))
	}
	return version, errors.Join(err, rows.Close())
}
