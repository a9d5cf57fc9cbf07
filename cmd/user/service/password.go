package service

import (
	"context"
	"errors"

	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
)

// checkNewPassword is checkPassword, and with strict it refuses the most common ones.
func checkNewPassword(password string, strict bool) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	if strict && auth.CommonPassword(password) {
		return errno.PasswordTooCommon
	}
	return nil
}

// ChangePassword replaces a password. Guesses at the old one count as those of logins do.
func (s *Service) ChangePassword(ctx context.Context, req *user.ChangePasswordRequest) (*user.ChangePasswordResponse, error) {
	if err := checkNewPassword(req.NewPassword_, req.StrictPassword); err != nil {
		return nil, err
	}
	if checkPassword(req.OldPassword) != nil {
		return nil, errno.UserBadCredentials
	}
	client := network(req.Client)
	name, found, err := s.store.OwnCredentials(ctx, req.UserId, client)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.UserBadCredentials
	}
	if err != nil {
		return nil, err
	}
	if err := s.guess(ctx, name, found); err != nil {
		return nil, err
	}
	ok, err := s.hasher.Verify(ctx, client, found.PasswordHash, req.OldPassword)
	if err != nil {
		return nil, hashError(err)
	}
	if !ok {
		return nil, errno.UserBadCredentials
	}
	hash, err := s.hasher.Hash(ctx, client, req.NewPassword_)
	if err != nil {
		return nil, hashError(err)
	}
	ended, err := s.store.ChangePassword(ctx, found.ID, found.PasswordHash, hash, req.SessionId, s.clock)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.UserBadCredentials // another change was first
	}
	if err != nil {
		return nil, err
	}
	return &user.ChangePasswordResponse{Revocations: pack.Revocations(ended)}, nil
}
