package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
)

const (
	// maxSessions is how many of an account there are at most.
	maxSessions = 100
	// maxDevice bounds both texts of a device, in bytes; the columns hold as many.
	maxDevice = 200
	// ttlMargin is how much longer than tokens live sessions and revocations are kept: clocks differ, and a token is signed a moment
	// after its session was opened.
	ttlMargin = time.Hour
)

// newSession is a session of now.
func (s *Service) newSession(userID int64, d *user.Device) (db.Session, error) {
	n, err := s.ids.Next()
	ms := s.now().UnixMilli()
	return db.Session{UserID: userID, ID: n, CreatedAtMs: ms, SeenMs: ms, Agent: deviceText(d.Agent), Addr: deviceText(d.Addr)}, err
}

// deviceText is what a client says about itself as it is stored: without control characters, and cut to whole characters.
func deviceText(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), 2*maxDevice)], "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	if len(text) <= maxDevice {
		return text
	}
	end := maxDevice
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// openSession opens one for an account whose password was found to be that of the hash, and which has it still.
func (s *Service) openSession(ctx context.Context, userID int64, hash string, d *user.Device) (*user.Session, error) {
	row, err := s.newSession(userID, d)
	if err != nil {
		return nil, err
	}
	err = s.store.OpenSession(ctx, row, hash, maxSessions, s.clock)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.UserBadCredentials // it was changed meanwhile
	}
	if err != nil {
		return nil, err
	}
	return pack.Session(row), nil
}

// clock is a db.Clock.
func (s *Service) clock() int64 { return s.now().UnixMilli() }

// oldest is the time of the oldest token that may still be valid.
func (s *Service) oldest() time.Time { return s.now().Add(-s.tokenTTL - ttlMargin) }

// ListSessions reads an account's sessions.
func (s *Service) ListSessions(ctx context.Context, req *user.ListSessionsRequest) (*user.ListSessionsResponse, error) {
	rows, err := s.store.ListSessions(ctx, req.UserId, id.At(s.now().Add(-s.tokenTTL)), maxSessions)
	if err != nil {
		return nil, err
	}
	return &user.ListSessionsResponse{Sessions: pack.Sessions(rows)}, nil
}

// RevokeSession ends one session.
func (s *Service) RevokeSession(ctx context.Context, req *user.RevokeSessionRequest) (*user.RevokeSessionResponse, error) {
	if req.SessionId <= 0 {
		return nil, errno.SessionNotFound
	}
	ended, err := s.store.RevokeSession(ctx, req.UserId, req.SessionId, s.clock)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.SessionNotFound
	}
	if err != nil {
		return nil, err
	}
	return &user.RevokeSessionResponse{Revocations: pack.Revocations([]db.Revocation{ended})}, nil
}

// RevokeOtherSessions ends all sessions but one.
func (s *Service) RevokeOtherSessions(
	ctx context.Context, req *user.RevokeOtherSessionsRequest,
) (*user.RevokeOtherSessionsResponse, error) {
	ended, err := s.store.RevokeOtherSessions(ctx, req.UserId, req.SessionId, s.clock)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.UserNotFound
	}
	if err != nil {
		return nil, err
	}
	return &user.RevokeOtherSessionsResponse{Revocations: pack.Revocations(ended)}, nil
}

// TouchSessions notes when sessions were last used.
func (s *Service) TouchSessions(ctx context.Context, req *user.TouchSessionsRequest) (*user.TouchSessionsResponse, error) {
	if len(req.Uses) > int(common.MAX_BATCH) {
		return nil, errno.InvalidArgument.With(fmt.Sprintf("more than %d sessions", common.MAX_BATCH))
	}
	if err := s.store.TouchSessions(ctx, pack.Uses(req.Uses)); err != nil {
		return nil, err
	}
	return &user.TouchSessionsResponse{}, nil
}
