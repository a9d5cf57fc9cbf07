package service

import (
	"context"
	"errors"
	"fmt"

	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
)

// Register creates an account.
func (s *Service) Register(ctx context.Context, req *user.RegisterRequest) (*user.RegisterResponse, error) {
	if err := checkUsername(req.Username); err != nil {
		return nil, err
	}
	if err := checkPassword(req.Password); err != nil {
		return nil, err
	}
	// Only to save the hash for a name that is taken anyway. The unique key decides.
	switch _, _, err := s.store.FindCredentials(ctx, req.Username); {
	case err == nil:
		return nil, errno.UserNameTaken
	case !errors.Is(err, sqldb.ErrNotFound):
		return nil, err
	}
	hash, err := s.hasher.Hash(ctx, req.Password)
	if err != nil {
		return nil, hashError(err)
	}
	a := db.Account{
		User:         db.User{ID: s.ids.Next(), Username: req.Username, CreatedAtMs: s.now().UnixMilli()},
		PasswordHash: hash,
	}
	if err := s.store.Create(ctx, a); err != nil {
		if errors.Is(err, sqldb.ErrDuplicate) {
			return nil, errno.UserNameTaken
		}
		return nil, err
	}
	s.users.Invalidate(ctx, a.ID) // somebody may have asked for this id before, and "no such user" is cached too
	return &user.RegisterResponse{UserId: a.ID}, nil
}

// Login checks a password. A name that does not exist costs as much as a wrong password and fails in the same way. What
// cannot be a name or a password at all fails alike too, but at no cost: that tells nothing about any account.
func (s *Service) Login(ctx context.Context, req *user.LoginRequest) (*user.LoginResponse, error) {
	if checkUsername(req.Username) != nil || checkPassword(req.Password) != nil {
		return nil, errno.UserBadCredentials
	}
	id, hash, err := s.store.FindCredentials(ctx, req.Username)
	if err != nil && !errors.Is(err, sqldb.ErrNotFound) {
		return nil, err
	}
	ok, err := s.hasher.Verify(ctx, hash, req.Password) // the hash of an unknown name is ""
	if err != nil {
		return nil, hashError(err)
	}
	if !ok {
		return nil, errno.UserBadCredentials
	}
	return &user.LoginResponse{UserId: id}, nil
}

// hashError tells a caller whose time ran out in the queue for a hash that the service is busy.
func hashError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("password hash: %w: %w", errno.Unavailable, err)
	}
	return fmt.Errorf("password hash: %w", err)
}
