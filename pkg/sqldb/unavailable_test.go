package sqldb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What is the database's trouble is told from what is ours. The dialects' translators see every error of GORM.
func TestUnavailable(t *testing.T) {
	server := func(n uint16) error { return &mysql.MySQLError{Number: n, Message: "secret"} }
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	sqldbtest.Each(t, "away", migrations(), func(t *testing.T, db *sqldb.DB) {
		translate, ok := db.Write.Dialector.(gorm.ErrorTranslator)
		if !ok {
			t.Fatal("the dialect translates nothing")
		}
		for what, c := range map[string]struct {
			err  error
			want *errno.Error
		}{
			"bad connection":       {driver.ErrBadConn, errno.Unavailable},
			"invalid connection":   {mysql.ErrInvalidConn, errno.Unavailable},
			"refused":              {refused, errno.Unavailable},
			"refused, wrapped":     {fmt.Errorf("dial: %w", refused), errno.Unavailable},
			"unknown host":         {&net.DNSError{Err: "no such host"}, errno.Unavailable},
			"cut":                  {io.ErrUnexpectedEOF, errno.Unavailable},
			"too many connections": {server(1040), errno.Unavailable},
			"shutdown":             {server(1053), errno.Unavailable},
			"lock wait":            {server(1205), errno.Unavailable},
			"deadlock":             {server(1213), errno.Unavailable},
			"killed":               {server(1927), errno.Unavailable},
			"disk full":            {server(1021), errno.Unavailable},
			"read-only":            {server(1290), errno.Unavailable},
			"read-only session":    {server(1792), errno.Unavailable},
			"Galera not ready":     {server(1047), errno.Unavailable},
			"group conflict":       {server(3101), errno.Unavailable},
			"lost behind a proxy":  {server(2013), errno.Unavailable},
			"TiDB: conflict":       {server(9007), errno.Unavailable},
			"TiDB: rolled back":    {server(8022), errno.Unavailable},
			"TiDB: region away":    {server(9005), errno.Unavailable},
			"Vitess: no primary": {
				&mysql.MySQLError{Number: 1105, Message: "target: user.-80.primary: no healthy tablet available for 'secret'"}, errno.Unavailable,
			},
			"Vitess: tablet away": {
				&mysql.MySQLError{Number: 1105, Message: "vttablet: rpc error: code = Unavailable desc = secret"}, errno.Unavailable,
			},
			"Vitess: failover": {
				&mysql.MySQLError{Number: 1105, Message: "primary is not serving, there may be a reparent operation in progress"},
				errno.Unavailable,
			},
			"Vitess: anything": {server(1105), errno.Internal},
			"table full":       {server(1114), errno.Unavailable},
			"deadline":         {context.DeadlineExceeded, errno.Unavailable},
			"syntax":           {server(1064), errno.Internal},
			"unknown column":   {server(1054), errno.Internal},
			"access denied":    {server(1045), errno.Internal},
			"no row":           {gorm.ErrRecordNotFound, errno.Internal},
			"anything":         {errors.New("secret"), errno.Internal},
		} {
			err := translate.Translate(c.err)
			if got := errno.From(fmt.Errorf("read: %w", err)); !got.Is(c.want) || got.Msg != c.want.Msg {
				t.Errorf("%s: %v, want %v", what, got, c.want)
			}
			if !errors.Is(err, c.err) || err.Error() != c.err.Error() {
				t.Errorf("%s: the log would get %v", what, err)
			}
		}
	})
}

// A disk without room is trouble of the database's, too, and ends with it.
func TestFull(t *testing.T) {
	db := sqldbtest.SQLite(t, "full", migrations())
	if err := db.Write.Exec("PRAGMA max_page_count = 20").Error; err != nil {
		t.Fatal(err)
	}
	insert := func(id int64) error {
		return db.Tx(t.Context(), func(tx *gorm.DB) error {
			return tx.Create(&item{ID: id, Name: fmt.Sprint(id, strings.Repeat("x", 2000))}).Error
		})
	}
	var err error
	id := int64(1)
	for ; err == nil && id < 100; id++ {
		err = insert(id)
	}
	if !errno.From(err).Is(errno.Unavailable) {
		t.Fatalf("after %d rows: %v, want Unavailable", id, err)
	}
	if err := db.Write.Exec("PRAGMA max_page_count = 1000").Error; err != nil {
		t.Fatal(err)
	}
	if err := insert(id); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// gate forwards connections while it is open.
type gate struct {
	net.Listener
	mu    sync.Mutex
	gone  bool // guarded by mu, as is conns
	conns []net.Conn
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Listener: ln}
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := (&net.Dialer{}).DialContext(context.WithoutCancel(t.Context()), "tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			if !g.add(in, out) {
				continue
			}
			go func() { _, _ = io.Copy(in, out) }()
			go func() { _, _ = io.Copy(out, in) }()
		}
	}()
	t.Cleanup(func() {
		_ = g.Close()
		g.shut()
	})
	return g
}

// add keeps connections for cut, or closes them while the gate is shut.
func (g *gate) add(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns = append(g.conns, conns...)
	if g.gone {
		g.closeAll()
	}
	return !g.gone
}

func (g *gate) closeAll() {
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
}

// shut ends the connections that there are, and new ones at once.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = true
	g.closeAll()
}

// open lets new connections through again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = false
}

// A server that goes away in the middle makes every kind of access fail as unavailable, before the caller's time is over. One that is
// back in time makes it slow.
func TestServerAway(t *testing.T) {
	cfg := sqldbtest.MySQLConfig(t)
	direct, err := sqldb.Open(t.Context(), cfg, "gate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := direct.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + "gate`").Error; err != nil {
			t.Error(err)
		}
		if err := direct.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := direct.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	g := newGate(t, cfg.Addr)
	cfg.Addr = g.Addr().String()
	db, err := sqldb.Open(t.Context(), cfg, "gate")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	access := map[string]func(ctx context.Context) error{
		"read": func(ctx context.Context) error { return db.Read.WithContext(ctx).Find(&[]item{}).Error },
		"raw": func(ctx context.Context) error {
			var n int
			return db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM items").Scan(&n).Error
		},
		"write": func(ctx context.Context) error {
			return db.Write.WithContext(ctx).Where("id = ?", 1).Delete(&item{}).Error
		},
		"tx": func(ctx context.Context) error {
			return db.Tx(ctx, func(tx *gorm.DB) error { return tx.Where("id = ?", 1).Delete(&item{}).Error })
		},
		"snapshot": func(ctx context.Context) error {
			return db.Snapshot(ctx, func(at *sqldb.DB) error { return at.Read.Find(&[]item{}).Error })
		},
	}
	// all calls everything at once, with so much time.
	all := func(limit time.Duration) map[string]error {
		var group sync.WaitGroup
		var mu sync.Mutex
		failed := map[string]error{}
		for what, do := range access {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				if err := do(ctx); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed[what] = err
				}
			})
		}
		group.Wait()
		return failed
	}
	for what, err := range all(5 * time.Second) {
		t.Errorf("%s: %v", what, err)
	}
	// In the middle of a transaction, which is then done as a whole.
	tries := 0
	err = db.Tx(t.Context(), func(tx *gorm.DB) error {
		if tries++; tries == 1 {
			if err := tx.Create(&item{ID: 7, Name: "seven"}).Error; err != nil {
				return err
			}
			g.shut()
			time.AfterFunc(time.Second, g.open)
		}
		return tx.Create(&item{ID: 8, Name: "eight"}).Error
	})
	var stored []int64
	if readErr := direct.Read.Raw("SELECT id FROM items ORDER BY id").Scan(&stored).Error; err != nil || readErr != nil ||
		!slices.Equal(stored, []int64{8}) || tries < 2 {
		t.Errorf("a transaction whose server was away for a second: %v, %v, %d tries stored %v", err, readErr, tries, stored)
	}
	g.shut()
	time.AfterFunc(time.Second, g.open)
	for what, err := range all(5 * time.Second) {
		t.Errorf("%s while the server was away for a second: %v", what, err)
	}
	g.shut()
	failed := all(time.Second)
	for what := range access {
		if err := failed[what]; !errno.From(err).Is(errno.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s without a server: %v, want Unavailable", what, err)
		}
	}
	began := time.Now()
	if err := db.Ping(t.Context()); err == nil || time.Since(began) > time.Second {
		t.Errorf("ping without a server: %v after %v", err, time.Since(began))
	}
}

// MariaDB ends the transaction of a process that hangs, so that its locks are free before who waits for them gives up.
func TestHungTransaction(t *testing.T) {
	db := sqldbtest.MySQL(t, "hung", migrations())
	var version string
	if err := db.Read.Raw("SELECT VERSION()").Scan(&version).Error; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(version, "MariaDB") {
		t.Skip("not MariaDB")
	}
	if err := db.Write.Create(&item{ID: 1, Name: "one"}).Error; err != nil {
		t.Fatal(err)
	}
	hung := db.Write.Begin()
	defer hung.Rollback()
	if err := db.ForUpdate(hung).Take(&item{}, "id = ?", 1).Error; err != nil {
		t.Fatal(err)
	}
	tries := 0
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		tries++
		return tx.Model(&item{}).Where("id = ?", 1).Update("name", "other").Error
	})
	if err != nil || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}
