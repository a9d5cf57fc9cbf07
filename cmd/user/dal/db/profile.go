package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// Profile is what to change of an account: nil stays as it is.
type Profile struct {
	DisplayName, Signature, AvatarKey, BackgroundKey *string
}

// Changes reports whether u would be another with it.
func (p Profile) Changes(u User) bool { return len(p.columns(u)) > 0 }

// columns are the fields of u that change, by column.
func (p Profile) columns(u User) map[string]any {
	out := map[string]any{}
	for _, field := range []struct {
		column, before string
		now            *string
	}{
		{"display_name", u.DisplayName, p.DisplayName},
		{"signature", u.Signature, p.Signature},
		{"avatar_key", u.AvatarKey, p.AvatarKey},
		{"background_key", u.BackgroundKey, p.BackgroundKey},
	} {
		if field.now != nil && *field.now != field.before {
			out[field.column] = *field.now
		}
	}
	return out
}

// UpdateProfile changes an account in one transaction, tells others when that makes it another, and returns it as it was before;
// sqldb.ErrNotFound when there is none. Of several calls at once, each sees what the one before it has made.
func (s *Store) UpdateProfile(ctx context.Context, id int64, p Profile, tell ...outbox.Message) (before User, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		before = User{}
		if err := s.ForUpdate(tx).Where("id = ?", id).Take(&before).Error; err != nil {
			return err
		}
		columns := p.columns(before)
		if len(columns) == 0 {
			return nil
		}
		if err := tx.Model(&User{}).Where("id = ?", id).Updates(columns).Error; err != nil {
			return err
		}
		return outbox.Add(tx, tell...)
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
