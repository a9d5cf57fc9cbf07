package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// LooksTaken reports whether there is a name with this skeleton.
func (s *Store) LooksTaken(ctx context.Context, skeleton []byte) (bool, error) {
	var ids []int64
	err := s.Read.WithContext(ctx).Model(&Account{}).Where("name_skeleton = ?", skeleton).Limit(1).Pluck("id", &ids).Error
	if err != nil {
		return false, fmt.Errorf("find a name's skeleton: %w", sqldb.Translate(err))
	}
	return len(ids) > 0, nil
}

// FillSkeletons gives up to limit accounts above the id after their skeleton that have none, oldest first. One whose name
// looks like another's stays without. It returns the last id that it looked at, 0 when there was none left.
func (s *Store) FillSkeletons(ctx context.Context, after int64, limit int, skeleton func(name string) []byte) (last int64, err error) {
	var rows []User
	err = s.Read.WithContext(ctx).Select("id", "username").Where("name_skeleton IS NULL AND id > ?", after).
		Order("id").Limit(limit).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, sqldb.Translate(err)
	}
	// A statement for each: one for all would fail with the first that looks like another.
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		for _, u := range rows {
			err := tx.Exec("UPDATE users SET name_skeleton = ? WHERE id = ? AND name_skeleton IS NULL", skeleton(u.Username), u.ID).Error
			if err != nil && !errors.Is(sqldb.Translate(err), sqldb.ErrDuplicate) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("fill in skeletons of %d names: %w", len(rows), err)
	}
	return rows[len(rows)-1].ID, nil
}
