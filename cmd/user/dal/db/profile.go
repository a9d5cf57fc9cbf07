package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// Profile is what to change of an account: nil stays as it is.
type Profile struct {
	DisplayName, Signature, AvatarKey, BackgroundKey *string
}

// columns are the fields that change, by column.
func (p Profile) columns() map[string]any {
	all := map[string]*string{
		"display_name": p.DisplayName, "signature": p.Signature, "avatar_key": p.AvatarKey, "background_key": p.BackgroundKey,
	}
	out := make(map[string]any, len(all))
	for column, value := range all {
		if value != nil {
			out[column] = *value
		}
	}
	return out
}

// UpdateProfile changes an account in one transaction and returns it as it was before; sqldb.ErrNotFound when there is none.
// Of several calls at once, each sees what the one before it has made.
func (s *Store) UpdateProfile(ctx context.Context, id int64, p Profile) (before User, err error) {
	columns := p.columns()
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		before = User{}
		if err := s.ForUpdate(tx).Where("id = ?", id).Take(&before).Error; err != nil || len(columns) == 0 {
			return err
		}
		return tx.Model(&User{}).Where("id = ?", id).Updates(columns).Error
	})
	if err != nil && !errors.Is(err, sqldb.ErrNotFound) {
		err = fmt.Errorf("update the profile of user %d: %w", id, err)
	}
	return before, err
}

type nameRow struct {
	Username string `gorm:"column:username"`
	ID       int64  `gorm:"column:id"`
}

// FindIDs reads the ids behind usernames, compared byte for byte, in one statement; missing ones are absent.
func (s *Store) FindIDs(ctx context.Context, usernames []string) (map[string]int64, error) {
	rows, err := sqldb.Select[nameRow](s.Read.WithContext(ctx), "FROM users WHERE username IN ?", usernames).All()
	if err != nil {
		return nil, fmt.Errorf("find %d users by name: %w", len(usernames), err)
	}
	ids := make(map[string]int64, len(rows))
	for _, r := range rows {
		ids[r.Username] = r.ID
	}
	return ids, nil
}
