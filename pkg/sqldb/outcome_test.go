package sqldb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/pkg/errno"
	"tiktok/pkg/nettest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// cutAt cuts the connection at the answer to a statement, which the server has then executed, or at the statement itself.
func cutAt(p *nettest.Proxy, statement string, answer bool) {
	var sent atomic.Bool
	p.Gate(func(up bool, data []byte) <-chan struct{} {
		is := up && bytes.Contains(data, []byte(statement))
		if is {
			sent.Store(true)
		}
		if is && !answer || !up && sent.Load() {
			p.Gate(nil)
			go p.Cut() // pass, which waits for the channel, sees the end of the connection
			return make(chan struct{})
		}
		return nil
	})
}

// The answer to a write that was cut off leaves open whether it is stored. Before the COMMIT it does not.
func TestOutcomeUnknown(t *testing.T) {
	cfg := sqldbtest.MySQLConfig(t)
	direct, err := sqldb.Open(t.Context(), cfg, "outcome")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(direct.Write.Exec("DROP DATABASE `"+cfg.SchemaPrefix+"outcome`").Error, direct.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := direct.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	proxy := nettest.NewProxy(t, cfg.Addr, nil)
	cfg.Addr = proxy.Addr
	db, err := sqldb.Open(t.Context(), cfg, "outcome")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	limit := 5 * time.Second
	inTx := func(id int64) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return db.Tx(ctx, func(tx *gorm.DB) error { return tx.Create(&item{ID: id, Name: fmt.Sprint("x", id)}).Error })
	}
	alone := func(id int64) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return db.Write.WithContext(ctx).Create(&item{ID: id, Name: fmt.Sprint("x", id)}).Error
	}
	id := int64(0)
	for _, c := range []struct {
		what, at string
		answer   bool
		write    func(int64) error
		want     *errno.Error
		stored   bool
	}{
		{"answer to COMMIT", "COMMIT", true, inTx, errno.OutcomeUnknown, true},
		{"COMMIT", "COMMIT", false, inTx, errno.OutcomeUnknown, false},
		{"answer to the statement of a transaction", "INSERT", true, inTx, nil, true}, // which is done again
		{"answer to a statement that commits by itself", "INSERT", true, alone, errno.OutcomeUnknown, true},
		{"statement that commits by itself", "INSERT", false, alone, errno.OutcomeUnknown, false},
	} {
		id++
		if err := inTx(1000 + id); err != nil { // a connection that works
			t.Fatal(err)
		}
		cutAt(proxy, c.at, c.answer)
		err := c.write(id)
		if got := errno.From(err); (err == nil) != (c.want == nil) || err != nil && (!got.Is(c.want) || got.Msg != c.want.Msg) {
			t.Errorf("cut at the %s: %v (%v), want %v", c.what, got, err, c.want)
		}
		var n int64
		if err := direct.Read.Model(&item{}).Where("id = ?", id).Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		if (n == 1) != c.stored {
			t.Errorf("cut at the %s: %d rows are stored", c.what, n)
		}
	}
	proxy.Refuse()
	limit = time.Second
	for what, write := range map[string]func(int64) error{"transaction": inTx, "statement": alone} {
		if err := write(100); err == nil {
			t.Errorf("%s: no error without a server", what)
		}
		// The connection that was cut while idle is gone now: nothing can be sent.
		if err := write(100); !errno.From(err).Is(errno.Unavailable) {
			t.Errorf("%s without a server: %v, want Unavailable", what, err)
		}
	}
}
