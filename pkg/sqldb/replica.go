package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/gorm"
)

const (
	// lookEvery is how often a replica is looked at, lookTimeout bounds one look.
	lookEvery, lookTimeout = time.Second, time.Second
	// replicaLag is how far behind a replica may be and still be read.
	replicaLag = 10 * time.Second
	// firstRow is how long a statement waits for a replica before the primary is asked.
	firstRow = 500 * time.Millisecond
)

// beats is where the primary's time is written, so that a replica tells how far behind it is. No right is needed for that but those on the
// schema, and it is the same on every server.
const (
	makeBeatsSQL = "CREATE TABLE IF NOT EXISTS replica_beats (id TINYINT NOT NULL PRIMARY KEY, at_ms BIGINT NOT NULL)"
	firstBeatSQL = "INSERT IGNORE INTO replica_beats (id, at_ms) VALUES (1, 0)"
	nowMs        = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
	beatSQL      = "UPDATE replica_beats SET at_ms = " + nowMs + " WHERE id = 1 AND at_ms < " + nowMs + " - 500" // all processes share it
	readBeatSQL  = "SELECT at_ms FROM replica_beats WHERE id = 1"
)

// replica is a gorm.ConnPool that reads from a replica while that serves, and else from the primary: a statement that the replica does
// not answer is asked of the primary, and from then on all of them, until a look finds the replica well.
type replica struct {
	primary, db *sql.DB
	serves      atomic.Bool
	lagMs       atomic.Int64
	fallbacks   atomic.Int64
	written     int64 // the newest beat of the primary; the looks' alone

	stop context.CancelFunc
	done sync.WaitGroup
}

// errReadOnly is a statement that changes rows, sent to where only reads belong.
var errReadOnly = errors.New("sqldb: the replica is only read")

// openReplica never waits: a replica that is away is not read, that is all.
func openReplica(cfg Config, schema string, primary *sql.DB) (*replica, error) {
	cfg.Addr = cfg.ReadAddr
	db, _, err := mysqlPool(cfg, schema)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &replica{primary: primary, db: db, stop: stop}
	r.done.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			r.look(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return r, nil
}

// look writes a beat and finds out how old the newest one is that the replica has. While the primary does not answer, the replica is
// compared with what that had last: it does not fall behind.
func (r *replica) look(ctx context.Context) {
	if at, err := beat(ctx, r.primary, beatSQL); err == nil {
		r.written = at
	}
	seen, err := beat(ctx, r.db)
	lag := max(0, r.written-seen)
	if err == nil {
		r.lagMs.Store(lag)
	}
	r.serves.Store(err == nil && lag <= replicaLag.Milliseconds())
}

// beat reads the newest beat, after these statements.
func beat(ctx context.Context, db *sql.DB, before ...string) (atMs int64, err error) {
	ctx, cancel := context.WithTimeout(patient(ctx, time.Now()), lookTimeout)
	defer cancel()
	for _, statement := range before {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, err
		}
	}
	return atMs, db.QueryRowContext(ctx, readBeatSQL).Scan(&atMs)
}

// close ends the looks and closes the pool.
func (r *replica) close() error {
	r.stop()
	r.done.Wait()
	return r.db.Close()
}

// PrepareContext implements gorm.ConnPool. Nothing is prepared: see gormConfig.
func (r *replica) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return r.primary.PrepareContext(ctx, query)
}

// ExecContext implements gorm.ConnPool.
func (r *replica) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errReadOnly
}

// BeginTx implements gorm.ConnPoolBeginner: a transaction is the primary's.
func (r *replica) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	return r.primary.BeginTx(ctx, opts)
}

// QueryContext implements gorm.ConnPool.
func (r *replica) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return ask(ctx, r, func(ctx context.Context, db steadyPool) (*sql.Rows, error) {
		return db.QueryContext(ctx, query, args...)
	})
}

// QueryRowContext implements gorm.ConnPool.
func (r *replica) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	row, _ := ask(ctx, r, func(ctx context.Context, db steadyPool) (*sql.Row, error) {
		row := db.QueryRowContext(ctx, query, args...)
		return row, row.Err()
	})
	return row
}

// ask asks the replica, and the primary when that does not serve, is silent or fails: also a statement that is at fault itself, which
// cannot be told from one that needs a column that the replica is yet to get. Rows that are read afterwards are bounded by ctx alone.
func ask[T any](ctx context.Context, r *replica, query func(context.Context, steadyPool) (T, error)) (T, error) {
	if !r.serves.Load() {
		return query(ctx, steadyPool{r.primary})
	}
	bounded, cancel := context.WithCancel(ctx) // not called when rows come: they are read under it
	silent := time.AfterFunc(firstRow, cancel)
	answer, err := query(patient(bounded, time.Now()), steadyPool{r.db})
	if intime := silent.Stop(); err == nil && intime {
		return answer, nil
	}
	cancel()
	if ctx.Err() != nil {
		return answer, ctx.Err()
	}
	r.serves.Store(false)
	r.fallbacks.Add(1)
	return query(ctx, steadyPool{r.primary})
}

// metrics tell whether it is read and how far behind it is.
func (r *replica) metrics(name string, label prometheus.Labels) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: label}, value)
	}
	return []prometheus.Collector{
		collectors.NewDBStatsCollector(r.db, name+"_replica"),
		gauge("tiktok_sql_replica_serves", "Whether the replica is read: 1, or 0 while it is away or too far behind.", func() float64 {
			if r.serves.Load() {
				return 1
			}
			return 0
		}),
		gauge("tiktok_sql_replica_lag_seconds", "How far behind the replica was when it was looked at last.", func() float64 {
			return float64(r.lagMs.Load()) / 1000
		}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "tiktok_sql_replica_fallbacks_total", Help: "Statements that the replica did not answer and the primary did.", ConstLabels: label,
		}, func() float64 { return float64(r.fallbacks.Load()) }),
	}
}
