package pack

import (
	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/user"
)

// Session makes the message of a session.
func Session(r db.Session) *user.Session {
	return &user.Session{
		Id: r.ID, UserId: r.UserID, CreatedAtMs: r.CreatedAtMs, SeenAtMs: r.SeenMs,
		Device: &user.Device{Agent: r.Agent, Addr: r.Addr},
	}
}

// Sessions makes the messages of sessions, in their order.
func Sessions(rows []db.Session) []*user.Session {
	out := make([]*user.Session, len(rows))
	for i, r := range rows {
		out[i] = Session(r)
	}
	return out
}

// Revocations makes the messages of revocations, in their order.
func Revocations(rows []db.Revocation) []*user.Revocation {
	out := make([]*user.Revocation, len(rows))
	for i, r := range rows {
		out[i] = &user.Revocation{UserId: r.UserID, SessionId: r.SessionID, RevokedAtMs: r.RevokedMs}
	}
	return out
}

// Uses makes rows of uses: who, which session and when.
func Uses(uses []*user.SessionUse) []db.Session {
	rows := make([]db.Session, len(uses))
	for i, u := range uses {
		rows[i] = db.Session{UserID: u.UserId, ID: u.SessionId, SeenMs: u.SeenAtMs}
	}
	return rows
}
