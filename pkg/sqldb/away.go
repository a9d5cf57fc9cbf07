package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-sql-driver/mysql"
)

const (
	// awayPatience is how long a statement or a transaction waits for a server that is away: a restart or a failover takes a few seconds.
	awayPatience = 5 * time.Second
	// answerTime is left of a caller's deadline, so that it hears that the server is away instead of nothing.
	answerTime = 150 * time.Millisecond
)

// patienceKey is the context key of the time.Time until which the server is waited for.
type patienceKey struct{}

// patient returns a context whose statements wait for the server until a time at most.
func patient(ctx context.Context, until time.Time) context.Context {
	return context.WithValue(ctx, patienceKey{}, until)
}

// patience is until when the server is waited for: 5 s, and less when the context or patient says so.
func patience(ctx context.Context) time.Time {
	until := time.Now().Add(awayPatience)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-answerTime).Before(until) {
		until = deadline.Add(-answerTime)
	}
	if earlier, ok := ctx.Value(patienceKey{}).(time.Time); ok && earlier.Before(until) {
		until = earlier
	}
	return until
}

// untilBack calls do, and again as long as again says so and the server may be waited for. What do does with its context waits no longer.
func untilBack[T any](ctx context.Context, again func(error) bool, do func(ctx context.Context) (T, error)) (T, error) {
	until := patience(ctx)
	ctx = patient(ctx, until)
	pauses := &backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Millisecond, RandomizationFactor: 1. / 3, Multiplier: 2, MaxInterval: 250 * time.Millisecond,
	}
	attempt := func() (T, error) {
		got, err := do(ctx)
		if err != nil && (!again(err) || ctx.Err() != nil) {
			err = backoff.Permanent(err)
		}
		return got, err
	}
	left := max(time.Until(until), time.Nanosecond) // 0 would be no limit
	return backoff.Retry(ctx, attempt, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(left))
}

// isAway tells an error after which a server, this one or another behind the same address, may answer within seconds.
func isAway(err error) bool {
	return isUnavailable(err) && !isFull(err) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// steadyPool is a pool whose queries outside of transactions are repeated when the connection was lost, or the server is going away.
// Writes are not: they may have been done. A connection that cannot be made is waited for in either case, by session.Connect.
type steadyPool struct{ *sql.DB }

// QueryContext implements gorm.ConnPool.
func (p steadyPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if !strings.HasPrefix(query, "SELECT") && !strings.HasPrefix(query, "(SELECT") {
		return p.DB.QueryContext(ctx, query, args...)
	}
	return untilBack(ctx, isAway, func(ctx context.Context) (*sql.Rows, error) { return p.DB.QueryContext(ctx, query, args...) })
}

// GetDBConn implements gorm.GetDBConnector: what asks for the pool gets it without the repetitions.
func (p steadyPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// isMySQLAway tells whether the server says that it cannot work now: no connection free, stopping, starting, host blocked, session
// killed, network trouble, read-only since a failover, Galera or vtgate not ready; and TiDB's 9001 to 9006: a part of the cluster is
// away, busy, or being moved.
func isMySQLAway(err error) bool {
	return isMySQLError(err, 1040, 1042, 1047, 1053, 1129, 1158, 1159, 1160, 1161, 1203, 1290, 1317, 1792, 1836, 1874, 1927, 3168,
		2002, 2003, 2006, 2013, 8027, 9001, 9002, 9003, 9004, 9005, 9006) || isVitessAway(err)
}

// vitessUnknown is the number that vtgate gives errors that MySQL has none for; the text tells them apart.
const vitessUnknown = 1105

// vitessAway are texts of vtgate and vttablet for a shard without a primary at the moment: it is away, failing over or being moved.
var vitessAway = []string{
	"no healthy tablet", "code = unavailable", "code: unavailable", "code = cluster_event", "code: cluster_event",
	"not serving", "operation not allowed in state", "resharded", "reparent operation in progress", "connection refused",
}

func isVitessAway(err error) bool {
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != vitessUnknown {
		return false
	}
	message := strings.ToLower(e.Message)
	for _, part := range vitessAway {
		if strings.Contains(message, part) {
			return true
		}
	}
	return false
}
