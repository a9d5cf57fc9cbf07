// Package revocations follows which sessions the user service ends, for processes that must not treat them as live.
package revocations

import (
	"context"
	"errors"
	"time"

	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
)

const (
	// Every is the pause between two calls of Read: what was ended anywhere is known within two of them.
	Every = time.Second
	// TTLMargin is how much longer than tokens live revocations must be remembered: clocks differ.
	TTLMargin = time.Hour
	// timeout bounds the call for one page.
	timeout = 2 * time.Second
)

// Follower reads revocations one after the other. It is not safe for concurrent use.
type Follower struct {
	Users userservice.Client
	// Cursor is where the next Read goes on, "" at the beginning.
	Cursor string
}

// Read gives each page of what was revoked since the last call to take, whose error ends it: that page comes again.
func (f *Follower) Read(ctx context.Context, take func([]*user.Revocation) error) error {
	for more := true; more; {
		page, err := f.page(ctx)
		if err != nil {
			if errors.Is(errno.From(err), errno.InvalidArgument) {
				f.Cursor = "" // another version's
			}
			return err
		}
		if err := take(page.Revocations); err != nil {
			return err
		}
		f.Cursor, more = page.NextCursor, page.More
	}
	return nil
}

func (f *Follower) page(ctx context.Context) (*user.ListRevokedResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f.Users.ListRevoked(ctx, &user.ListRevokedRequest{Cursor: f.Cursor, Limit: common.MAX_BATCH})
}
