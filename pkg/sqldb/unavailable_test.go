package sqldb_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
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
			"table full":           {server(1114), errno.Unavailable},
			"deadline":             {context.DeadlineExceeded, errno.Unavailable},
			"syntax":               {server(1064), errno.Internal},
			"unknown column":       {server(1054), errno.Internal},
			"access denied":        {server(1045), errno.Internal},
			"no row":               {gorm.ErrRecordNotFound, errno.Internal},
			"anything":             {errors.New("secret"), errno.Internal},
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

// gate forwards connections until it is shut.
type gate struct {
	net.Listener
	mu    sync.Mutex
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
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			go func() { _, _ = io.Copy(in, out) }()
			go func() { _, _ = io.Copy(out, in) }()
		}
	}()
	t.Cleanup(g.shut)
	return g
}

// shut refuses new connections and cuts those that there are.
func (g *gate) shut() {
	_ = g.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		_ = c.Close()
	}
}

// A server that goes away in the middle makes every kind of access fail as unavailable, at once.
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
	access := map[string]func() error{
		"read": func() error { return db.Read.WithContext(t.Context()).Find(&[]item{}).Error },
		"raw": func() error {
			var n int
			return db.Read.WithContext(t.Context()).Raw("SELECT COUNT(*) FROM items").Scan(&n).Error
		},
		"write": func() error { return db.Write.WithContext(t.Context()).Where("id = ?", 1).Delete(&item{}).Error },
		"tx": func() error {
			return db.Tx(t.Context(), func(tx *gorm.DB) error { return tx.Where("id = ?", 1).Delete(&item{}).Error })
		},
		"snapshot": func() error {
			return db.Read.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error { return tx.Find(&[]item{}).Error })
		},
	}
	for what, do := range access {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	err = db.Tx(t.Context(), func(tx *gorm.DB) error {
		g.shut()
		return tx.Where("id = ?", 1).Delete(&item{}).Error
	})
	if !errno.From(err).Is(errno.Unavailable) {
		t.Errorf("in the middle of a transaction: %v", err)
	}
	for what, do := range access {
		begin := time.Now()
		if err := do(); !errno.From(err).Is(errno.Unavailable) {
			t.Errorf("%s without a server: %v, want Unavailable", what, err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%s without a server took %v", what, took)
		}
	}
}
