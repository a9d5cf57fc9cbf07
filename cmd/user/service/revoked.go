package service

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/pack"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/paging"
)

// overlap is how much of the past each pass reads again. A revocation is timed before it commits, by the clock of its replica: one
// that a pass has not seen has a time of this long before the pass began at most. The transaction takes milliseconds from then on, and
// replicas whose clocks differ by a second raise an alert.
const overlap = 20 * time.Second

// cursor is where ListRevoked goes on.
type cursor struct {
	// after is the last one that was read.
	after db.Revocation
	// beganMs is when the pass over the revocations began that this page is of.
	beganMs int64
}

// String is the form that callers keep.
func (c cursor) String() string {
	return fmt.Sprintf("%d.%d.%d.%d", c.after.RevokedMs, c.after.UserID, c.after.SessionID, c.beganMs)
}

// revokedCursor reads what String wrote; "" is the start.
func (s *Service) revokedCursor(text string) (c cursor, err error) {
	if text == "" {
		return cursor{after: db.Revocation{RevokedMs: s.oldest().UnixMilli()}, beganMs: s.clock()}, nil
	}
	bad := errno.InvalidArgument.With("the cursor is not valid")
	fields := strings.Split(text, ".")
	into := []*int64{&c.after.RevokedMs, &c.after.UserID, &c.after.SessionID, &c.beganMs}
	if len(fields) != len(into) {
		return c, bad
	}
	for i, f := range fields {
		if *into[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return c, bad
		}
	}
	c.beganMs = cmp.Or(c.beganMs, s.clock()) // a new pass
	return c, nil
}

// nextPass is where the pass after this one starts, whenever that is.
func (c cursor) nextPass() cursor {
	return cursor{after: db.Revocation{RevokedMs: c.beganMs - overlap.Milliseconds()}}
}

// ListRevoked reads what was revoked.
func (s *Service) ListRevoked(ctx context.Context, req *user.ListRevokedRequest) (*user.ListRevokedResponse, error) {
	at, err := s.revokedCursor(req.Cursor)
	if err != nil {
		return nil, err
	}
	limit, err := paging.Limit(req.Limit, int(common.MAX_BATCH), int(common.MAX_BATCH))
	if err != nil {
		return nil, err
	}
	rows, err := s.store.ListRevoked(ctx, at.after, limit)
	if err != nil {
		return nil, err
	}
	resp := &user.ListRevokedResponse{Revocations: pack.Revocations(rows), More: len(rows) == limit}
	next := at.nextPass()
	if resp.More {
		next = cursor{after: rows[len(rows)-1], beganMs: at.beganMs}
	}
	resp.NextCursor = next.String()
	return resp, nil
}
