package sqldb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"gorm.io/gorm"

	"tiktok/pkg/nettest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// pair is a primary and its replica, which is reached through a proxy.
type pair struct {
	primary, replica *sqldbtest.Server
	way              *nettest.Proxy
	db               *sqldb.DB
	metrics          *prometheus.Registry
}

// startPair replicates, and returns when the replica serves.
func startPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{primary: sqldbtest.StartServer(t, sqldbtest.PrimaryArgs()...), metrics: prometheus.NewRegistry()}
	p.replica = sqldbtest.StartReplica(t, p.primary, 0)
	p.way = nettest.NewProxy(t, p.replica.Addr, nil)
	db, err := sqldb.Open(t.Context(), sqldb.Config{
		Driver: sqldb.MySQL, Addr: p.primary.Addr, ReadAddr: p.way.Addr, User: "root", SchemaPrefix: "x_", MaxOpen: 8,
	}, "pair")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Instrument(telemetry.Discard().Log, p.metrics, 0); err != nil {
		t.Fatal(err)
	}
	if err := db.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	p.db = db
	p.until(t, "the replica serves", func() bool { return p.metric(t, "serves") == 1 })
	return p
}

func (p *pair) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (p *pair) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := p.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "tiktok_sql_replica_"+name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// stale is on which server Stale reads, and how long it took.
func (p *pair) stale(t *testing.T) (server int, took time.Duration) {
	t.Helper()
	began := time.Now()
	if err := p.db.Behind().Read.WithContext(t.Context()).Raw("SELECT @@server_id").Scan(&server).Error; err != nil {
		t.Fatalf("a read that the primary could answer failed: %v", err)
	}
	return server, time.Since(began)
}

func (p *pair) add(t *testing.T, id int64) {
	t.Helper()
	if err := p.db.Write.Create(&item{ID: id, Name: fmt.Sprint("item ", id)}).Error; err != nil {
		t.Fatal(err)
	}
}

// items counts them where Stale reads.
func (p *pair) items(t *testing.T) (n int64) {
	t.Helper()
	if err := p.db.Stale.WithContext(t.Context()).Model(&item{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// Pages that may be old are read from the replica, all else from the primary: also what begins on Stale as a transaction.
func TestReplicaIsRead(t *testing.T) {
	p := startPair(t)
	if server, _ := p.stale(t); server != 2 {
		t.Errorf("Stale reads on server %d", server)
	}
	var on int
	if err := p.db.Read.Raw("SELECT @@server_id").Scan(&on).Error; err != nil || on != 1 {
		t.Errorf("Read reads on server %d, %v", on, err)
	}
	err := p.db.Behind().Snapshot(t.Context(), func(at *sqldb.DB) error {
		for _, g := range []*gorm.DB{at.Read, at.Stale} {
			if err := g.Raw("SELECT @@server_id").Scan(&on).Error; err != nil || on != 1 {
				t.Errorf("a transaction reads on server %d, %v", on, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := p.db.Stale.Exec("UPDATE items SET name = 'x'").Error; err == nil {
		t.Error("Stale took a statement that writes")
	}
	p.add(t, 1)
	p.until(t, "the replica has the row", func() bool { return p.items(t) == 1 })
}

// A replica that stops replicating is read for some seconds, and then no more until it has caught up.
func TestReplicaLags(t *testing.T) {
	p := startPair(t)
	p.replica.Exec(t, "STOP SLAVE SQL_THREAD")
	p.add(t, 1)
	if n := p.items(t); n != 0 {
		t.Errorf("the replica has %d rows that it cannot have", n)
	}
	if err := p.db.Read.Model(&item{}).Where("id = 1").First(&item{}).Error; err != nil {
		t.Errorf("Read does not see what was written: %v", err)
	}
	p.until(t, "a replica that is behind is read no more", func() bool { return p.items(t) == 1 })
	if lag := p.metric(t, "lag_seconds"); lag < 10 || p.metric(t, "serves") != 0 {
		t.Errorf("lag %v s, serves %v", lag, p.metric(t, "serves"))
	}
	if n := p.metric(t, "fallbacks_total"); n != 0 {
		t.Errorf("%v statements failed on it", n)
	}
	p.replica.Exec(t, "START SLAVE SQL_THREAD")
	p.until(t, "it is read again", func() bool { server, _ := p.stale(t); return server == 2 })
}

// A replica that dies or hangs costs nobody an answer, and only the first ones half a second; when it is back it is read again.
func TestReplicaAway(t *testing.T) {
	p := startPair(t)
	for name, fault := range map[string]struct{ begin, end func() }{
		"killed": {p.replica.Kill, func() { p.replica.Start(t) }},
		"hangs":  {p.way.Freeze, p.way.Thaw},
		"cut":    {p.way.Refuse, p.way.Accept},
	} {
		before := p.metric(t, "fallbacks_total")
		fault.begin()
		var slow int
		for range 200 {
			server, took := p.stale(t)
			if server != 1 {
				t.Fatalf("%s: answered by server %d", name, server)
			}
			if took > 400*time.Millisecond {
				slow++
			}
			if took > 2*time.Second {
				t.Errorf("%s: a read took %v", name, took)
			}
		}
		if slow > 2 {
			t.Errorf("%s: %d of 200 reads were slow", name, slow)
		}
		if err := p.db.Ping(t.Context()); err != nil {
			t.Errorf("%s: the schema is said to be away: %v", name, err)
		}
		fault.end()
		p.until(t, name+": it is read again", func() bool { server, _ := p.stale(t); return server == 2 })
		if p.metric(t, "fallbacks_total") == before && name == "hangs" {
			t.Errorf("%s: nothing was asked of the primary instead", name)
		}
	}
}

// A replica that is away when the process starts does not keep it from starting.
func TestReplicaAwayAtStart(t *testing.T) {
	cfg := sqldbtest.MySQLConfig(t)
	cfg.ReadAddr = "127.0.0.1:1"
	began := time.Now()
	db, err := sqldb.Open(t.Context(), cfg, "alone")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Write.Exec("DROP DATABASE `" + cfg.SchemaPrefix + "alone`").Error; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	var one int
	if err := db.Stale.WithContext(t.Context()).Raw("SELECT 1").Scan(&one).Error; err != nil || one != 1 {
		t.Errorf("%d, %v", one, err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it waited %v for the replica", took)
	}
}
