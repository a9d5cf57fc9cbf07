package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/lifecycle"
)

// ErrLeaseLost is the cause of the end of the context of work whose lease another process has, or may have.
var ErrLeaseLost = errors.New("discovery: another process has the lease")

// lease is a row of leases.
type lease struct {
	Name    string `gorm:"column:name;primaryKey"`
	Holder  string `gorm:"column:holder"`
	UntilMs int64  `gorm:"column:until_ms"`
}

// TableName is leases.
func (lease) TableName() string { return "leases" }

// TakeLease takes the lease of a name (at most 32 characters) for a time, or makes it longer, and reports whether holder has it now: nobody
// else does then, until the time is over by the clock of the database's server. One that is longer than ttl is from before that clock was
// set back, so all must use the same ttl for a name.
func (s *Store) TakeLease(ctx context.Context, name, holder string, ttl time.Duration) (taken bool, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		taken = false
		row := lease{Name: name}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
		if err := s.ForUpdate(tx).Take(&row, "name = ?", name).Error; err != nil {
			return err
		}
		var nowMs int64
		if err := tx.Raw("SELECT " + now(s.DB)).Scan(&nowMs).Error; err != nil {
			return err
		}
		untilMs := nowMs + ttl.Milliseconds()
		if row.Holder != holder && row.Holder != "" && row.UntilMs > nowMs && row.UntilMs <= untilMs {
			return nil
		}
		taken = true
		return tx.Model(&row).Updates(map[string]any{"holder": holder, "until_ms": untilMs}).Error
	})
	if err != nil {
		return false, fmt.Errorf("lease %s: %w", name, err)
	}
	return taken, nil
}

// DropLease gives a lease back, so that another process can take it at once. Without it nothing happens.
func (s *Store) DropLease(ctx context.Context, name, holder string) error {
	done := s.Write.WithContext(ctx).Model(&lease{}).Where("name = ? AND holder = ?", name, holder).Update("holder", "")
	if done.Error != nil {
		return fmt.Errorf("lease %s: %w", name, done.Error)
	}
	return nil
}

// Lead waits until this process has the lease of a name, calls work, gives the lease back and returns what work returned. The context of
// work ends as soon as another process may have the lease: then Lead returns ErrLeaseLost, unless work returned something else than the
// context's error. A process that stood still for longer than ttl may go on for a moment beside another: what work does must bear that.
// While the database does not answer Lead waits.
func (s *Store) Lead(ctx context.Context, name string, ttl time.Duration, work func(ctx context.Context) error) error {
	holder := rand.Text()
	for {
		began := time.Now()
		taken, err := s.TakeLease(ctx, name, holder, ttl)
		if err == nil && taken {
			return s.lead(ctx, name, holder, ttl, began, work)
		}
		if !lifecycle.Pause(ctx, ttl/3) {
			return ctx.Err()
		}
	}
}

// LeadOn is Lead, again after each failure, until work returns nil or ctx ends. failed hears of failures, but not that the lease is lost.
func (s *Store) LeadOn(
	ctx context.Context, name string, ttl time.Duration, work func(ctx context.Context) error, failed func(error),
) {
	wait := lifecycle.BackOff()
	for {
		err := s.Lead(ctx, name, ttl, work)
		if err == nil || ctx.Err() != nil {
			return
		}
		if !errors.Is(err, ErrLeaseLost) {
			failed(err)
		}
		if !lifecycle.Pause(ctx, wait.NextBackOff()) {
			return
		}
	}
}

func (s *Store) lead(
	ctx context.Context, name, holder string, ttl time.Duration, began time.Time, work func(ctx context.Context) error,
) error {
	own, lost := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		s.keep(own, name, holder, ttl, began, lost)
	}()
	err := work(own)
	cause := context.Cause(own)
	lost(nil)
	<-kept
	if errors.Is(err, context.Canceled) && errors.Is(cause, ErrLeaseLost) {
		return ErrLeaseLost
	}
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), ttl)
	defer cancel()
	return errors.Join(err, s.DropLease(giving, name, holder))
}

// keep makes a lease longer until ctx ends, and calls lost when it is this process's no longer, or may be.
func (s *Store) keep(ctx context.Context, name, holder string, ttl time.Duration, began time.Time, lost context.CancelCauseFunc) {
	for lifecycle.Pause(ctx, ttl/3) {
		again := time.Now()
		asking, cancel := context.WithDeadline(ctx, began.Add(ttl))
		taken, err := s.TakeLease(asking, name, holder, ttl)
		cancel()
		switch {
		case err == nil && taken:
			began = again
		case err == nil || time.Since(began) >= ttl*2/3:
			lost(ErrLeaseLost)
			return
		}
	}
}
