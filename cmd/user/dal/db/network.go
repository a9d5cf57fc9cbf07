package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

const (
	// maxNetworks is how many networks are remembered of one account: those of its last logins.
	maxNetworks = 8
	// forgetRows bounds what one statement deletes.
	forgetRows = 1000
)

// network is a row of login_networks.
type network struct {
	UserID  int64  `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	Network string `gorm:"column:network;primaryKey"`
	SeenMs  int64  `gorm:"column:seen_ms"`
}

// TableName is login_networks.
func (network) TableName() string { return "login_networks" }

// SawNetwork remembers that an account logged in from a network, of at most 64 bytes. The last eight are kept.
func (s *Store) SawNetwork(ctx context.Context, userID int64, from string, nowMs int64) error {
	upsert := sqldb.Upsert(clause.AssignmentColumns([]string{"seen_ms"}), "user_id", "network")
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Clauses(upsert).Create(&network{UserID: userID, Network: from, SeenMs: nowMs}).Error; err != nil {
			return err
		}
		oldest := tx.Model(&network{}).Where("user_id = ?", userID).Order("seen_ms DESC").Offset(maxNetworks).Limit(1)
		ms, err := number(oldest, "seen_ms")
		if err != nil || ms == 0 {
			return err
		}
		return tx.Where("user_id = ? AND seen_ms <= ?", userID, ms).Delete(&network{}).Error
	})
	if err != nil {
		return fmt.Errorf("remember a login's network: %w", err)
	}
	return nil
}

// ForgetNetworks forgets those that were last seen before a time, a step at a time, and returns how many.
func (s *Store) ForgetNetworks(ctx context.Context, beforeMs int64) (n int64, err error) {
	return s.forget(ctx, &network{}, "seen_ms", beforeMs)
}

// forget deletes the rows of a table whose column, which has an index, is below a number: forgetRows in a transaction, and all that
// have the same number as the last of them.
func (s *Store) forget(ctx context.Context, table any, column string, below int64) (n int64, err error) {
	for {
		old := s.Read.WithContext(ctx).Model(table).Where(column+" < ?", below)
		last, err := number(old.Order(column).Offset(forgetRows-1).Limit(1), column)
		if err != nil {
			return n, fmt.Errorf("forget old rows: %w", sqldb.Translate(err))
		}
		rest := last == 0
		if rest {
			last = below - 1
		}
		err = s.Tx(ctx, func(tx *gorm.DB) error {
			res := tx.Where(column+" <= ?", last).Delete(table)
			n += res.RowsAffected
			return res.Error
		})
		if err != nil || rest {
			return n, err
		}
	}
}

// number is the column of the one row that a query finds, 0 without one.
func number(one *gorm.DB, column string) (int64, error) {
	var n []int64
	if err := one.Pluck(column, &n).Error; err != nil || len(n) == 0 {
		return 0, err
	}
	return n[0], nil
}
