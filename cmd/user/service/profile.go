package service

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/text"
)

const (
	// maxDisplayName and maxSignature are in characters.
	maxDisplayName = 32
	maxSignature   = 80
)

// FindUser reads the account of a name.
func (s *Service) FindUser(ctx context.Context, req *user.FindUserRequest) (*user.FindUserResponse, error) {
	if checkUsername(req.Username) != nil {
		return nil, errno.UserNotFound
	}
	ids, err := s.idsByName.GetMulti(ctx, []string{req.Username})
	if err != nil {
		return nil, err
	}
	id, ok := ids[req.Username]
	if !ok {
		return nil, errno.UserNotFound
	}
	card, err := s.card(ctx, id)
	if err != nil {
		return nil, err
	}
	return &user.FindUserResponse{User: card}, nil
}

// MFindUsers finds the accounts of names: one statement at most. What cannot be a name is nobody's.
func (s *Service) MFindUsers(ctx context.Context, req *user.MFindUsersRequest) (*user.MFindUsersResponse, error) {
	if len(req.Names) > common.MAX_BATCH {
		return nil, errno.InvalidArgument.With("too many names")
	}
	names := slices.DeleteFunc(slices.Clone(req.Names), func(name string) bool { return checkUsername(name) != nil })
	ids, err := s.idsByName.GetMulti(ctx, names)
	if err != nil {
		return nil, err
	}
	return &user.MFindUsersResponse{UserIds: ids}, nil
}

// UpdateProfile changes what others see of an account. Doing so twice is doing so once.
func (s *Service) UpdateProfile(ctx context.Context, req *user.UpdateProfileRequest) (*user.UpdateProfileResponse, error) {
	p, err := s.checkProfile(req)
	if err != nil {
		return nil, err
	}
	tell, err := events.Messages(event.TOPIC_ACCOUNT, &event.Event{ProfileChanged: &event.ProfileChanged{UserId: req.UserId}})
	if err != nil {
		return nil, err
	}
	before, err := s.store.UpdateProfile(ctx, req.UserId, p, tell...)
	if errors.Is(err, sqldb.ErrNotFound) {
		return nil, errno.UserNotFound
	}
	s.users.Invalidate(ctx, req.UserId) // also after an error: the commit may have happened
	if err != nil {
		return nil, err
	}
	if p.Changes(before) {
		s.relay.Wake()
	}
	card, err := s.card(ctx, req.UserId)
	if err != nil {
		return nil, err
	}
	return &user.UpdateProfileResponse{
		User:                  card,
		ReplacedAvatarKey:     replaced(before.AvatarKey, p.AvatarKey),
		ReplacedBackgroundKey: replaced(before.BackgroundKey, p.BackgroundKey),
	}, nil
}

// card reads one account through the cache.
func (s *Service) card(ctx context.Context, id int64) (*user.User, error) {
	rows, err := s.users.GetMulti(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	row, ok := rows[id]
	if !ok {
		return nil, errno.UserNotFound
	}
	return pack.User(row), nil
}

// replaced is the key before, when it is not used any more.
func replaced(before string, now *string) string {
	if now == nil || *now == before {
		return ""
	}
	return before
}

// checkProfile returns what to store, or why it cannot be.
func (s *Service) checkProfile(req *user.UpdateProfileRequest) (p db.Profile, err error) {
	if req.DisplayName != nil {
		name, err := s.displayName(*req.DisplayName)
		if err != nil {
			return p, err
		}
		p.DisplayName = &name
	}
	if req.Signature != nil {
		signature, err := s.moderated("signature", maxSignature, *req.Signature)
		if err != nil {
			return p, err
		}
		p.Signature = &signature
	}
	for _, key := range []*string{req.AvatarKey, req.BackgroundKey} {
		if key != nil && *key != "" && blob.CheckKey(*key) != nil {
			return p, errno.InvalidArgument.With("the key of a picture is not valid")
		}
	}
	p.AvatarKey, p.BackgroundKey = req.AvatarKey, req.BackgroundKey
	return p, nil
}

// displayName returns the name to store.
func (s *Service) displayName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if strings.ContainsFunc(name, invisible) {
		return "", errno.InvalidArgument.With("the display name holds an invisible character")
	}
	name, err := s.moderated("display name", maxDisplayName, name)
	if err != nil || name == "" {
		return "", err
	}
	return name, s.names.CheckDisplay(name)
}

// moderated returns a text to store, which may be empty.
func (s *Service) moderated(what string, most int, in string) (string, error) {
	if in == "" {
		return "", nil
	}
	out, err := text.Rule{What: what, Max: most}.Clean(in)
	if err != nil {
		return "", err
	}
	out, ok := s.words.Apply(out)
	if !ok {
		return "", errno.ProfileRefused
	}
	return out, nil
}
