package sqldb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Instrument logs statements that take longer than slow (0 = none) and registers the usual pool metrics
// (go_sql_…{db_name="<name>_write"}). Call it right after Open, before the DB is used by others. Values are never
// logged: they may be a password's hash or somebody's message.
func (d *DB) Instrument(log *slog.Logger, reg prometheus.Registerer, slow time.Duration) error {
	if slow > 0 {
		l := slowLog{Interface: logger.Discard, log: log.With("db", d.name), over: slow}
		for _, g := range []*gorm.DB{d.Read, d.Write} {
			g.Logger = l
		}
	}
	for _, p := range d.pools {
		err := reg.Register(collectors.NewDBStatsCollector(p.db, d.name+"_"+p.name))
		if err != nil {
			return fmt.Errorf("sqldb: metrics of %s: %w", d.name, err)
		}
	}
	return nil
}

// slowLog writes slow statements and drops everything else that GORM would log: errors go to the caller.
type slowLog struct {
	logger.Interface
	log  *slog.Logger
	over time.Duration
}

var _ gorm.ParamsFilter = slowLog{}

// LogMode implements logger.Interface; there is one mode.
func (l slowLog) LogMode(logger.LogLevel) logger.Interface { return l }

// Trace implements logger.Interface.
func (l slowLog) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	took := time.Since(begin)
	if took < l.over || errors.Is(err, context.Canceled) {
		return
	}
	statement, rows := fc()
	if len(statement) > 300 {
		statement = statement[:300] + "…"
	}
	l.log.WarnContext(ctx, "slow statement", "ms", took.Milliseconds(), "rows", rows, "sql", statement)
}

// ParamsFilter implements gorm.ParamsFilter: it drops the values.
func (l slowLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}
