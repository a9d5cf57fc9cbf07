// Package pack turns rows into messages.
package pack

import (
	"cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/user"
)

// User makes the message of a row.
func User(r db.User) *user.User {
	return &user.User{
		Id:            r.ID,
		Name:          r.Username,
		AvatarKey:     r.AvatarKey,
		BackgroundKey: r.BackgroundKey,
		Signature:     r.Signature,
		CreatedAtMs:   r.CreatedAtMs,
		DisplayName:   r.DisplayName,
	}
}

// Users makes the messages of a set of rows.
func Users(rows map[int64]db.User) map[int64]*user.User {
	out := make(map[int64]*user.User, len(rows))
	for id, r := range rows {
		out[id] = User(r)
	}
	return out
}

// Accounts makes the messages of rows, in their order; never nil.
func Accounts(rows []db.User) []*user.Account {
	out := make([]*user.Account, len(rows))
	for i, r := range rows {
		out[i] = &user.Account{Id: r.ID, Name: r.Username, ShownName: cmp.Or(r.DisplayName, r.Username)}
	}
	return out
}
