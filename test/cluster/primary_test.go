package cluster_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver

	"tiktok/test/harness"
)

// What watches MariaDB, as an orchestrator does.
const (
	// pings is how often the primary is asked, pinged how long it may take, misses after how many it is taken for dead.
	pings, pinged = 500 * time.Millisecond, time.Second
	misses        = 3
	// applies bounds how long the replica may take to apply what it has received.
	applies = 10 * time.Second
)

// mysqlAt is a node as its administrator reaches it, through the network or not.
func (s *servers) mysqlAt(name string, port int) (*sql.DB, error) {
	return sql.Open("mysql", "root@tcp("+s.local(port+int(name[len(name)-1]-'0'))+")/?timeout=1s&interpolateParams=true")
}

// orchestrate promotes the replica when the primary does not answer, until the function that it returns is called, which returns
// whether it had to, or why it could not.
func (s *servers) orchestrate(t *testing.T) (stop func() (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var promoted bool
	var failed error
	wg.Go(func() {
		db, err := s.mysqlAt(s.primary, mysqlPort+told)
		if err != nil {
			failed = err
			return
		}
		defer func() { _ = db.Close() }()
		tick := time.NewTicker(pings)
		defer tick.Stop()
		for missed := 0; missed < misses; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if missed++; ping(ctx, db) == nil {
				missed = 0
			}
		}
		failed, promoted = s.promote(context.WithoutCancel(ctx), t), true
	})
	return func() (bool, error) { cancel(); wg.Wait(); return promoted, failed }
}

func ping(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, pinged)
	defer cancel()
	var one int
	return db.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

// promote makes the replica the primary. The old one is fenced first: nobody reaches it any more, and it is ended.
func (s *servers) promote(ctx context.Context, t testing.TB) error {
	began := time.Now()
	s.front.Refuse()
	s.net.shut(s.primary)
	if pid, err := s.pid(s.primary); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
	}
	db, err := s.mysqlAt(s.replica, mysqlPort)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, applies)
	defer cancel()
	if _, err := db.ExecContext(ctx, "STOP SLAVE IO_THREAD"); err != nil {
		return err
	}
	for {
		row, err := slaveStatus(ctx, db)
		if err != nil {
			return err
		}
		if row["Read_Master_Log_Pos"] == row["Exec_Master_Log_Pos"] && row["Relay_Master_Log_File"] == row["Master_Log_File"] {
			break
		}
		if !harness.Until(ctx, time.Now().Add(20*time.Millisecond)) {
			return fmt.Errorf("the replica has not applied all: %v", row)
		}
	}
	for _, q := range []string{"STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only=OFF"} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	s.primary, s.replica = s.replica, s.primary
	s.front.Turn(s.local(mysqlPort + told + int(s.primary[len(s.primary)-1]-'0')))
	s.front.Accept()
	t.Logf("%s is the primary; it took %v", s.primary, time.Since(began).Round(time.Millisecond))
	return nil
}

// slaveStatus is the row of SHOW SLAVE STATUS, empty for a primary.
func slaveStatus(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, "SHOW SLAVE STATUS")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	out := map[string]string{}
	if err != nil || !rows.Next() {
		return out, errors.Join(err, rows.Err())
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	err = rows.Scan(into...)
	for i, name := range names {
		out[name] = values[i].String
	}
	return out, errors.Join(err, rows.Err())
}

// rebuild makes the old primary the replica of the new one: what it had that nobody was told is forgotten.
func (s *servers) rebuild(t testing.TB) {
	t.Helper()
	s.must(t, "kill", s.replica)
	s.must(t, "wipe", s.replica)
	s.start(t, s.replica)
	s.must(t, "copy", s.primary, s.replica)
}

// semiSync returns an error unless the primary waits for its replica before it acknowledges.
func (s *servers) semiSync(ctx context.Context) error {
	db, err := s.mysqlAt(s.primary, mysqlPort)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var name, on, clients string
	err = db.QueryRowContext(ctx, "SHOW STATUS LIKE 'Rpl_semi_sync_master_clients'").Scan(&name, &clients)
	if err == nil {
		err = db.QueryRowContext(ctx, "SHOW STATUS LIKE 'Rpl_semi_sync_master_status'").Scan(&name, &on)
	}
	if err == nil && (on != "ON" || clients != "1") {
		err = fmt.Errorf("semi-synchronous replication is %s with %s replicas", on, clients)
	}
	return err
}
