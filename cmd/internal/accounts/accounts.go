// Package accounts asks the user service what several services want to know of it.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
)

// CheckPair makes sure, in one call, that both users exist. The first one comes from a token, and even that may outlive its
// database. It fails with errno.UserNotFound, with errno.Unavailable when the user service does not answer, and with self when both
// are the same user.
func CheckPair(ctx context.Context, users userservice.Client, log *slog.Logger, userID, otherID int64, self *errno.Error) error {
	if userID <= 0 || otherID <= 0 {
		return errno.UserNotFound
	}
	if userID == otherID {
		return self
	}
	resp, err := users.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: []int64{userID, otherID}})
	if err != nil {
		if errors.Is(errno.From(err), errno.Unavailable) {
			log.WarnContext(ctx, "user service does not answer", "err", err)
			return errno.Unavailable
		}
		return fmt.Errorf("look up users: %w", err)
	}
	if resp.Users[userID] == nil || resp.Users[otherID] == nil {
		return errno.UserNotFound
	}
	return nil
}
