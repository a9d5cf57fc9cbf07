package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"tiktok/pkg/idempotency"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// User is the public part of an account. It holds nothing secret, so it may be cached as it is.
type User struct {
	ID            int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	Username      string `gorm:"column:username"`
	AvatarKey     string `gorm:"column:avatar_key"`
	BackgroundKey string `gorm:"column:background_key"`
	Signature     string `gorm:"column:signature"`
	CreatedAtMs   int64  `gorm:"column:created_at_ms"`
	// DisplayName is shown in place of Username, unless it is empty.
	DisplayName string `gorm:"column:display_name"`
}

// TableName is users.
func (User) TableName() string { return "users" }

// Account is a User with the hash of its password. It never leaves the service.
type Account struct {
	User
	PasswordHash string `gorm:"column:password_hash"`
	// NameSkeleton is what names that look alike have in common, unique, at most 32 bytes; nil is not known yet.
	NameSkeleton []byte `gorm:"column:name_skeleton"`
}

// Create stores a new account with its first sessions, and tells others. sqldb.ErrDuplicate means that the username is taken, or one
// that looks like it: the unique keys decide, so of any number of calls at once exactly one succeeds.
// The request's key, which may be nil, is remembered with the account.
func (s *Store) Create(ctx context.Context, a Account, sessions []Session, key *idempotency.Request, tell ...outbox.Message) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&a).Error; err != nil {
			return err
		}
		if err := key.AddTo(tx, a.ID, a.CreatedAtMs); err != nil {
			return err
		}
		if len(sessions) > 0 {
			if err := tx.Create(&sessions).Error; err != nil {
				return err
			}
		}
		return outbox.Add(tx, tell...)
	})
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return nil
}

// Keys are the registrations that may be repeated. Their owners, users and results are the accounts.
func (s *Store) Keys() idempotency.Store { return idempotency.NewStore(s.DB) }

// Credentials are what a login is checked against.
type Credentials struct {
	ID           int64
	PasswordHash string
	// SeenMs is when the account last logged in from the network that was asked for, 0 when it did not of late.
	SeenMs int64
}

const credentialsSQL = `SELECT u.id, u.password_hash, COALESCE(n.seen_ms, 0) AS seen_ms
	FROM users u LEFT JOIN login_networks n ON n.user_id = u.id AND n.network = ? WHERE u.username = ?`

// FindCredentials reads what is behind a username, compared byte for byte, for a login from a network;
// sqldb.ErrNotFound when there is none.
func (s *Store) FindCredentials(ctx context.Context, username, network string) (Credentials, error) {
	var c Credentials
	res := s.Read.WithContext(ctx).Raw(credentialsSQL, network, username).Scan(&c)
	switch {
	case res.Error != nil:
		return Credentials{}, fmt.Errorf("find credentials: %w", sqldb.Translate(res.Error))
	case res.RowsAffected == 0:
		return Credentials{}, fmt.Errorf("find credentials: %w", sqldb.ErrNotFound)
	}
	return c, nil
}

const ownCredentialsSQL = `SELECT u.id, u.username, u.password_hash, COALESCE(n.seen_ms, 0) AS seen_ms
	FROM users u LEFT JOIN login_networks n ON n.user_id = u.id AND n.network = ? WHERE u.id = ?`

// OwnCredentials are the name and the Credentials of an account, for a change of its password from a network;
// sqldb.ErrNotFound when there is none.
func (s *Store) OwnCredentials(ctx context.Context, userID int64, network string) (string, Credentials, error) {
	var c struct {
		Credentials
		Username string
	}
	res := s.Read.WithContext(ctx).Raw(ownCredentialsSQL, network, userID).Scan(&c)
	switch {
	case res.Error != nil:
		return "", Credentials{}, fmt.Errorf("own credentials: %w", sqldb.Translate(res.Error))
	case res.RowsAffected == 0:
		return "", Credentials{}, fmt.Errorf("own credentials: %w", sqldb.ErrNotFound)
	}
	return c.Username, c.Credentials, nil
}

const usersAfterSQL = "FROM users WHERE id > ? ORDER BY id LIMIT ?"

// UsersAfter reads up to limit users behind an id, by ascending id: it is for those who copy them or compare other data with them.
func (s *Store) UsersAfter(ctx context.Context, after int64, limit int) ([]User, error) {
	rows, err := sqldb.Select[User](s.Read.WithContext(ctx), usersAfterSQL, after, limit).All()
	if err != nil {
		return nil, fmt.Errorf("walk through users: %w", err)
	}
	return rows, nil
}

// MGet reads the users with these ids, in one statement; missing ones are absent. No ids, no statement.
func (s *Store) MGet(ctx context.Context, ids []int64) (map[int64]User, error) {
	if len(ids) == 0 {
		return map[int64]User{}, nil
	}
	users, err := sqldb.Map(sqldb.Select[User](s.Read.WithContext(ctx), "FROM users WHERE id IN ?", ids), func(u User) int64 { return u.ID })
	if err != nil {
		return nil, fmt.Errorf("read %d users: %w", len(ids), err)
	}
	return users, nil
}
