package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
	"tiktok/pkg/idempotency"
	"tiktok/pkg/sqldb"
)

const (
	// knownFor is how long a network stays known to an account after a login from it.
	knownFor = 30 * 24 * time.Hour
	// seenAgain is how old that may be before it is written anew: not each login writes.
	seenAgain = 24 * time.Hour
	// maxClient bounds the name of a network, in bytes; the column holds as many.
	maxClient = 64
)

// Register creates an account, and its first session with it.
func (s *Service) Register(ctx context.Context, req *user.RegisterRequest) (*user.RegisterResponse, error) {
	if err := idempotency.Check(req.GetRequestKey()); err != nil {
		return nil, err
	}
	if err := checkUsername(req.Username); err != nil {
		return nil, err
	}
	if err := checkNewPassword(req.Password, req.StrictPassword); err != nil {
		return nil, err
	}
	if err := s.names.Check(req.Username); err != nil {
		return nil, err
	}
	client, skeleton := network(req.Client), s.names.Key(req.Username)
	// Only to save the hash for a name that is taken anyway. The unique keys decide.
	if err := s.taken(ctx, req.Username, skeleton); err != nil {
		return s.registered(ctx, req, client, err)
	}
	hash, err := s.hasher.Hash(ctx, client, req.Password)
	if err != nil {
		return nil, hashError(err)
	}
	n, err := s.ids.Next()
	if err != nil {
		return nil, err
	}
	a := db.Account{
		User:         db.User{ID: n, Username: req.Username, CreatedAtMs: s.now().UnixMilli()},
		PasswordHash: hash, NameSkeleton: skeleton,
	}
	resp, sessions := &user.RegisterResponse{UserId: a.ID}, []db.Session(nil)
	if req.Device != nil {
		session, err := s.newSession(a.ID, req.Device)
		if err != nil {
			return nil, err
		}
		sessions = []db.Session{session}
		resp.Session = pack.Session(session)
	}
	tell, err := events.Messages(event.TOPIC_ACCOUNT, &event.Event{UserRegistered: &event.UserRegistered{UserId: a.ID, Name: a.Username}})
	if err != nil {
		return nil, err
	}
	if err := s.store.Create(ctx, a, sessions, keyOf(a.ID, req), tell...); err != nil {
		if errors.Is(err, sqldb.ErrDuplicate) {
			return s.registered(ctx, req, client, cmp.Or(s.taken(ctx, req.Username, skeleton), error(errno.UserNameTaken)))
		}
		return nil, err
	}
	s.relay.Wake()
	s.saw(ctx, a.ID, client, 0)
	s.users.Invalidate(ctx, a.ID) // somebody may have asked for this id before, and "no such user" is cached too
	return resp, nil
}

// keyOf is the key of a registration that makes an account, nil without one. Names are unique: that of the account is all it asks for.
func keyOf(accountID int64, req *user.RegisterRequest) *idempotency.Request {
	return idempotency.New(accountID, accountID, req.GetRequestKey(), 0)
}

// registered is the answer to a registration whose name is taken: a session of the account when that was registered with the same key
// and password within a day, else taken, the error. Passwords are guessed here no faster than at a login.
func (s *Service) registered(ctx context.Context, req *user.RegisterRequest, client string, taken error) (*user.RegisterResponse, error) {
	if req.GetRequestKey() == "" || !errors.Is(taken, errno.UserNameTaken) {
		return nil, taken
	}
	found, err := s.store.FindCredentials(ctx, req.Username, client)
	if errors.Is(err, sqldb.ErrNotFound) { // taken by one that looks like it
		return nil, taken
	}
	if err != nil {
		return nil, err
	}
	row, ok, err := s.store.Keys().Find(ctx, *keyOf(found.ID, req))
	if err != nil {
		return nil, err
	}
	if !ok || row.Expired(s.now().UnixMilli()) {
		return nil, taken
	}
	in, err := s.Login(ctx, &user.LoginRequest{Username: req.Username, Password: req.Password, Client: req.Client, Device: req.Device})
	if errors.Is(err, errno.UserBadCredentials) {
		return nil, taken
	}
	if err != nil {
		return nil, err
	}
	return &user.RegisterResponse{UserId: in.UserId, Session: in.Session}, nil
}

// taken is errno.UserNameTaken when there is this name or one that looks like it.
func (s *Service) taken(ctx context.Context, name string, skeleton []byte) error {
	switch _, err := s.store.FindCredentials(ctx, name, ""); {
	case err == nil:
		return errno.UserNameTaken
	case !errors.Is(err, sqldb.ErrNotFound):
		return err
	}
	looks, err := s.store.LooksTaken(ctx, skeleton)
	if err != nil {
		return err
	}
	if looks {
		return errno.UserNameTaken.With("username looks like one that is taken")
	}
	return nil
}

// Login checks a password and opens a session. A name that does not exist costs as much as a wrong password and fails in the same way. What
// cannot be a name or a password at all fails alike too, but at no cost: that tells nothing about any account.
func (s *Service) Login(ctx context.Context, req *user.LoginRequest) (*user.LoginResponse, error) {
	if checkUsername(req.Username) != nil || checkPassword(req.Password) != nil {
		return nil, errno.UserBadCredentials
	}
	client := network(req.Client)
	found, err := s.store.FindCredentials(ctx, req.Username, client)
	if err != nil && !errors.Is(err, sqldb.ErrNotFound) {
		return nil, err
	}
	if err := s.guess(ctx, req.Username, found); err != nil {
		return nil, err
	}
	ok, err := s.hasher.Verify(ctx, client, found.PasswordHash, req.Password) // the hash of an unknown name is ""
	if err != nil {
		return nil, hashError(err)
	}
	if !ok {
		return nil, errno.UserBadCredentials
	}
	resp := &user.LoginResponse{UserId: found.ID}
	if req.Device != nil {
		if resp.Session, err = s.openSession(ctx, found.ID, found.PasswordHash, req.Device); err != nil {
			return nil, err
		}
	}
	s.saw(ctx, found.ID, client, found.SeenMs)
	return resp, nil
}

// guess counts a try on an account, or on a name that is none, by all networks together: who has many addresses guesses
// no more often than who has one. A network from which the account logged in of late is not counted, or a stranger who
// guesses all the time would lock its owner out; the gateway counts each network by itself.
func (s *Service) guess(ctx context.Context, name string, found db.Credentials) error {
	if found.SeenMs > s.now().Add(-knownFor).UnixMilli() {
		return nil
	}
	sum := sha256.Sum256([]byte(name))
	r, err := s.guesses.Allow(ctx, "login_account:"+hex.EncodeToString(sum[:16]), s.rule)
	if err != nil {
		return err
	}
	if !r.OK {
		return errno.TooManyRequests
	}
	return nil
}

// saw remembers a network that logged in, unless it was seen a short time ago. A login does not fail with that.
func (s *Service) saw(ctx context.Context, id int64, client string, seenMs int64) {
	now := s.now()
	if client == "" || seenMs > now.Add(-seenAgain).UnixMilli() {
		return
	}
	if err := s.store.SawNetwork(ctx, id, client, now.UnixMilli()); err != nil {
		s.log.WarnContext(ctx, "cannot remember a login's network", "err", err)
	}
}

// network is the client's as it is stored; "" for what is none.
func network(client string) string {
	if len(client) > maxClient || !utf8.ValidString(client) {
		return ""
	}
	return client
}

// hashError tells a caller whose time ran out in the queue for a hash that the service is busy, and one whose own network
// fills the queue that they are too many.
func hashError(err error) error {
	if errors.Is(err, auth.ErrTooMany) {
		return fmt.Errorf("%w: %w", errno.TooManyRequests, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("password hash: %w: %w", errno.Unavailable, err)
	}
	return fmt.Errorf("password hash: %w", err)
}
