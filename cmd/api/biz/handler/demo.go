package handler

import (
	"context"
	"slices"

	"tiktok/cmd/api/biz/call"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

// Demo are the accounts of the demo content, whose password is public. They can log in only from this machine and the private
// networks with it. The zero Demo has none.
type Demo struct {
	Accounts []string
	Password string
}

// refuseDemo returns an error for a login from elsewhere to a demo account, after its password was found right. Only for the public
// password it reads the account's name, which is stored as it was registered, however it was typed.
func (h *Handler) refuseDemo(ctx context.Context, in *call.Call, id int64, password string) error {
	if len(h.Demo.Accounts) == 0 || password != h.Demo.Password || in.Nearby() {
		return nil
	}
	r, err := h.Clients.User.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: []int64{id}})
	if err != nil {
		return err
	}
	if u := r.Users[id]; u != nil && slices.Contains(h.Demo.Accounts, u.Name) {
		return errno.Forbidden.With("demo accounts log in from the server's own network only")
	}
	return nil
}
