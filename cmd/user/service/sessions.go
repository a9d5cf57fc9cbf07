package service

import (
	"context"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// ListSessions reads an account's sessions.
func (s *Service) ListSessions(context.Context, *user.ListSessionsRequest) (*user.ListSessionsResponse, error) {
	return nil, errno.Unavailable
}

// RevokeSession ends one session.
func (s *Service) RevokeSession(context.Context, *user.RevokeSessionRequest) (*user.RevokeSessionResponse, error) {
	return nil, errno.Unavailable
}

// RevokeOtherSessions ends all sessions but one.
func (s *Service) RevokeOtherSessions(
	context.Context, *user.RevokeOtherSessionsRequest,
) (*user.RevokeOtherSessionsResponse, error) {
	return nil, errno.Unavailable
}

// ChangePassword replaces a password.
func (s *Service) ChangePassword(context.Context, *user.ChangePasswordRequest) (*user.ChangePasswordResponse, error) {
	return nil, errno.Unavailable
}

// ListRevoked reads what was revoked.
func (s *Service) ListRevoked(context.Context, *user.ListRevokedRequest) (*user.ListRevokedResponse, error) {
	return nil, errno.Unavailable
}

// TouchSessions notes when sessions were last used.
func (s *Service) TouchSessions(context.Context, *user.TouchSessionsRequest) (*user.TouchSessionsResponse, error) {
	return nil, errno.Unavailable
}
