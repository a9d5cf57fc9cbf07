package outbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// leaseRow is the one row of outbox_lease.
type leaseRow struct {
	ID      int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	Holder  string `gorm:"column:holder"`
	UntilMs int64  `gorm:"column:until_ms"`
}

// TableName is outbox_lease.
func (leaseRow) TableName() string { return "outbox_lease" }

const leaseID = 1

// lease says who relays. It goes by the clock of the database's server, which all compare themselves with, and within this process by
// how long ago it was taken.
type lease struct {
	db     *sqldb.DB
	holder string // this process
	made   bool   // there is a row

	mu    sync.Mutex
	until time.Time // guarded by mu
}

// held reports whether this process leads.
func (l *lease) held() bool { return l.left() > 0 }

func (l *lease) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

func (l *lease) set(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
}

// hold takes the lease, or makes it longer when less than two thirds of it are left. Its error is errLeaseLost when another has it.
func (l *lease) hold(ctx context.Context) error {
	if l.left() > leaseTTL*2/3 {
		return nil
	}
	got, err := l.take(ctx)
	if err != nil || got {
		return err
	}
	if l.made {
		return errLeaseLost
	}
	row := leaseRow{ID: leaseID}
	if err := l.db.Write.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("outbox: lease: %w", err)
	}
	l.made = true
	if got, err = l.take(ctx); err == nil && !got {
		err = errLeaseLost
	}
	return err
}

// take takes the lease when it is free, has run out, or is this process's own.
func (l *lease) take(ctx context.Context) (bool, error) {
	began := time.Now()
	now, args := "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)", []any{}
	if l.db.IsSQLite() {
		now = "CAST(? AS INTEGER)"
		args = append(args, began.UnixMilli())
	}
	values := append([]any{l.holder}, args...)
	values = append(append(values, leaseTTL.Milliseconds(), leaseID, l.holder), args...)
	values = append(append(values, args...), leaseTTL.Milliseconds())
	done := l.db.Write.WithContext(ctx).Exec(
		// One that is longer than a lease can be is from before a clock was set back.
		"UPDATE outbox_lease SET holder = ?, until_ms = "+now+" + ? WHERE id = ? AND (holder = ? OR holder = '' OR until_ms < "+now+
			" OR until_ms > "+now+" + ?)",
		values...,
	)
	if done.Error != nil {
		return false, fmt.Errorf("outbox: lease: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		l.set(time.Time{})
		return false, nil
	}
	l.set(began.Add(leaseTTL))
	return true, nil
}

// keep makes the lease longer until ctx ends, and calls lost when another process took it, or may have since the database is away.
func (l *lease) keep(ctx context.Context, lost context.CancelCauseFunc) {
	tick := time.NewTicker(leaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		got, err := l.take(ctx)
		if err == nil && !got || !l.held() {
			lost(errLeaseLost)
			return
		}
	}
}

// giveBack lets another process take over at once.
func (l *lease) giveBack(ctx context.Context) error {
	if !l.held() {
		return nil
	}
	l.set(time.Time{})
	err := l.db.Write.WithContext(ctx).Exec("UPDATE outbox_lease SET holder = '' WHERE id = ? AND holder = ?", leaseID, l.holder).Error
	if err != nil {
		return fmt.Errorf("outbox: lease: %w", err)
	}
	return nil
}
