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

	"tiktok/pkg/tracing"
)

// Instrument logs statements that take longer than slow (0 = none) and registers tiktok_sql_duration_seconds,
// tiktok_sql_errors_total and the usual pool metrics (go_sql_…{db_name="<name>_write"}). Call it right after Open, before
// the DB is used by others. Values are never logged: they may be a password's hash or somebody's message.
func (d *DB) Instrument(log *slog.Logger, reg prometheus.Registerer, slow time.Duration) error {
	label := prometheus.Labels{"db": d.name}
	w := watch{
		Interface: logger.Discard, log: log.With("db", d.name), slow: slow, name: d.name, dialect: d.dialect,
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tiktok_sql_duration_seconds", Help: "Time that statements took, waiting for a connection included, by the service's database.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5}, ConstLabels: label,
		}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tiktok_sql_errors_total",
			Help: "Statements that failed: unavailable (the same one may succeed later) or other. " +
				"Missing rows and duplicate keys are none.",
			ConstLabels: label,
		}, []string{"kind"}),
	}
	for _, kind := range []string{kindUnavailable, kindOther} {
		w.failed.WithLabelValues(kind) // 0 from the start: a counter that begins at 1 has not risen
	}
	for _, g := range []*gorm.DB{d.Read, d.Write, d.Stale} {
		g.Logger = w
	}
	collect := []prometheus.Collector{w.seconds, w.failed}
	for _, p := range d.pools {
		collect = append(collect, collectors.NewDBStatsCollector(p.db, d.name+"_"+p.name))
	}
	if d.replica != nil {
		collect = append(collect, d.replica.metrics(d.name, label)...)
	}
	for _, c := range collect {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("sqldb: metrics of %s: %w", d.name, err)
		}
	}
	return nil
}

// Kinds of failed statements.
const (
	kindUnavailable = "unavailable"
	kindOther       = "other"
)

// watch times and counts statements, records them in traces, writes slow ones to the log, and drops everything else that GORM
// would log: errors go to the caller.
type watch struct {
	logger.Interface
	log     *slog.Logger
	slow    time.Duration
	seconds prometheus.Histogram
	failed  *prometheus.CounterVec
	name    string
	dialect string
}

// LogMode implements logger.Interface; there is one mode.
func (w watch) LogMode(logger.LogLevel) logger.Interface { return w }

// Trace implements logger.Interface.
func (w watch) Trace(ctx context.Context, begin time.Time, fc func() (string, int64), err error) {
	took := time.Since(begin)
	w.seconds.Observe(took.Seconds())
	if tracing.On(ctx) {
		w.span(ctx, begin, fc, err)
	}
	switch err := Translate(err); {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrDuplicate):
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return // the caller went away, or had no more time
	case isUnavailable(err):
		w.failed.WithLabelValues(kindUnavailable).Inc()
	default:
		w.failed.WithLabelValues(kindOther).Inc()
	}
	if w.slow <= 0 || took < w.slow {
		return
	}
	statement, rows := fc()
	w.log.WarnContext(ctx, "slow statement", "ms", took.Milliseconds(), "rows", rows, "sql", cut(statement, maxStatement))
}

// statementOnly is what GORM is given for a statement with its values: the statement. The values may be a password's hash
// or somebody's message. A logger cannot drop them: GORM's Scan writes statement and values into a text of its own first,
// for every query, whether or not anybody wants to read it.
func statementOnly(sql string) string { return sql }
