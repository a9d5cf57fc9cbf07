package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// Session is one login of an account that is not revoked.
type Session struct {
	UserID      int64  `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	ID          int64  `gorm:"column:id;primaryKey;autoIncrement:false"`
	CreatedAtMs int64  `gorm:"column:created_at_ms"`
	SeenMs      int64  `gorm:"column:seen_ms"`
	Agent       string `gorm:"column:agent"`
	Addr        string `gorm:"column:addr"`
}

// TableName is sessions.
func (Session) TableName() string { return "sessions" }

// Revocation ends a session, or with SessionID 0 all tokens of a user that name none.
type Revocation struct {
	UserID    int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	SessionID int64 `gorm:"column:session_id;primaryKey;autoIncrement:false"`
	RevokedMs int64 `gorm:"column:revoked_ms"`
}

// TableName is revocations.
func (Revocation) TableName() string { return "revocations" }

// maxEnded bounds the sessions that one statement ends. An account has hardly more than the limit of OpenSession.
const maxEnded = 1000

// Clock is the time in milliseconds. Revocations are timed when their transaction has its locks, shortly before it commits.
type Clock func() int64

// OpenSession stores a session of an account whose password still has the hash, else sqldb.ErrNotFound. It revokes those that were
// not used for longest, so that limit stay.
func (s *Store) OpenSession(ctx context.Context, row Session, hash string, limit int, now Clock) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockAccount(tx, row.UserID, hash); err != nil {
			return err
		}
		var ids []int64
		longest := tx.Model(&Session{}).Where("user_id = ?", row.UserID).Order("seen_ms DESC, id DESC")
		if err := longest.Offset(limit-1).Limit(maxEnded).Pluck("id", &ids).Error; err != nil {
			return err
		}
		if _, err := end(tx, row.UserID, ids, now); err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	return nil
}

// lockAccount locks an account until the transaction ends: what changes its password and what opens or ends several of its sessions
// come one after the other. It is sqldb.ErrNotFound when there is none with this hash; "" is any.
func (s *Store) lockAccount(tx *gorm.DB, id int64, hash string) error {
	var found []string
	if err := s.ForUpdate(tx).Table("users").Where("id = ?", id).Pluck("password_hash", &found).Error; err != nil {
		return err
	}
	if len(found) == 0 || hash != "" && found[0] != hash {
		return sqldb.ErrNotFound
	}
	return nil
}

// end turns sessions into revocations.
func end(tx *gorm.DB, userID int64, ids []int64, now Clock) ([]Revocation, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := tx.Where("user_id = ? AND id IN ?", userID, ids).Delete(&Session{}).Error; err != nil {
		return nil, err
	}
	return revoke(tx, userID, ids, now)
}

func revoke(tx *gorm.DB, userID int64, ids []int64, now Clock) ([]Revocation, error) {
	ms := now()
	ended := make([]Revocation, len(ids))
	for i, id := range ids {
		ended[i] = Revocation{UserID: userID, SessionID: id, RevokedMs: ms}
	}
	upsert := sqldb.Upsert(clause.AssignmentColumns([]string{"revoked_ms"}), "user_id", "session_id")
	return ended, tx.Clauses(upsert).Create(&ended).Error
}

// ListSessions reads the sessions of an account with ids from first on, last used first, at most limit.
func (s *Store) ListSessions(ctx context.Context, userID, first int64, limit int) ([]Session, error) {
	const rest = "FROM sessions WHERE user_id = ? AND id >= ? ORDER BY seen_ms DESC, id DESC LIMIT ?"
	rows, err := sqldb.Select[Session](s.Read.WithContext(ctx), rest, userID, first, limit).All()
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return rows, nil
}

// RevokeSession ends a session of the user's own and returns its revocation, also when it was revoked before. It is
// sqldb.ErrNotFound when the user has and had none with this id.
func (s *Store) RevokeSession(ctx context.Context, userID, id int64, now Clock) (ended Revocation, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		gone := tx.Where("user_id = ? AND id = ?", userID, id).Delete(&Session{})
		if gone.Error != nil {
			return gone.Error
		}
		if gone.RowsAffected == 0 {
			const rest = "FROM revocations WHERE user_id = ? AND session_id = ?"
			before, err := sqldb.Select[Revocation](tx, rest, userID, id).All()
			if err == nil && len(before) == 0 {
				err = sqldb.ErrNotFound
			}
			if err == nil {
				ended = before[0]
			}
			return err
		}
		all, err := revoke(tx, userID, []int64{id}, now)
		if err == nil {
			ended = all[0]
		}
		return err
	})
	if err != nil {
		return Revocation{}, fmt.Errorf("revoke session: %w", err)
	}
	return ended, nil
}

// RevokeOtherSessions ends all sessions of an account but one, 0 for none, and all tokens without one. It is sqldb.ErrNotFound when
// there is no such account.
func (s *Store) RevokeOtherSessions(ctx context.Context, userID, keep int64, now Clock) (ended []Revocation, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockAccount(tx, userID, ""); err != nil {
			return err
		}
		ended, err = endOthers(tx, userID, keep, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("revoke other sessions: %w", err)
	}
	return ended, nil
}

// ChangePassword replaces the hash, if it is still the old one, and ends all sessions of the account but one, 0 for none, and all
// tokens without one. It is sqldb.ErrNotFound when there is no account with the old hash.
func (s *Store) ChangePassword(ctx context.Context, userID int64, old, hash string, keep int64, now Clock) (ended []Revocation, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockAccount(tx, userID, old); err != nil {
			return err
		}
		if err := tx.Model(&Account{}).Where("id = ?", userID).Update("password_hash", hash).Error; err != nil {
			return err
		}
		ended, err = endOthers(tx, userID, keep, now)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change password: %w", err)
	}
	return ended, nil
}

// endOthers ends all sessions of a locked account but one.
func endOthers(tx *gorm.DB, userID, keep int64, now Clock) ([]Revocation, error) {
	var ids []int64
	if err := tx.Model(&Session{}).Where("user_id = ? AND id <> ?", userID, keep).Order("id").Pluck("id", &ids).Error; err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		if err := tx.Where("user_id = ? AND id IN ?", userID, ids).Delete(&Session{}).Error; err != nil {
			return nil, err
		}
	}
	return revoke(tx, userID, append(ids, 0), now)
}

// ListRevoked reads the revocations that follow after, in the order of time, user and session.
func (s *Store) ListRevoked(ctx context.Context, after Revocation, limit int) ([]Revocation, error) {
	const rest = `FROM revocations WHERE revoked_ms >= ? AND (revoked_ms > ? OR user_id > ? OR user_id = ? AND session_id > ?)
		ORDER BY revoked_ms, user_id, session_id LIMIT ?`
	rows, err := sqldb.Select[Revocation](s.Read.WithContext(ctx), rest,
		after.RevokedMs, after.RevokedMs, after.UserID, after.UserID, after.SessionID, limit).All()
	if err != nil {
		return nil, fmt.Errorf("list revocations: %w", err)
	}
	return rows, nil
}

// touchMySQL and touchSQLite look up each session by its key, in the order of the list. touchListed is for servers without JSON_TABLE,
// and looks through the list once for each session of it.
const (
	touchListed = `UPDATE sessions SET seen_ms = CASE %[1]s END WHERE (user_id, id) IN (%[2]s) AND seen_ms < CASE %[1]s END`
	touchOne    = "WHEN user_id = ? AND id = ? THEN ? "
	touchMySQL  = `UPDATE JSON_TABLE(?, '$[*]' COLUMNS (u BIGINT PATH '$[0]', i BIGINT PATH '$[1]', ms BIGINT PATH '$[2]')) AS k
STRAIGHT_JOIN sessions AS s ON s.user_id = k.u AND s.id = k.i SET s.seen_ms = k.ms WHERE s.seen_ms < k.ms`
	touchSQLite = `UPDATE sessions SET seen_ms = k.ms FROM (SELECT json_extract(value, '$[0]') AS u, json_extract(value, '$[1]') AS i,
json_extract(value, '$[2]') AS ms FROM json_each(?)) AS k WHERE sessions.user_id = k.u AND sessions.id = k.i AND sessions.seen_ms < k.ms`
)

// maxTouched bounds the sessions of one statement with a list.
const maxTouched = 100

// TouchSessions notes when sessions were last used, by UserID, ID and SeenMs: in one statement, or one for each 100 where there is no
// JSON_TABLE. One that is not there stays so, and a time never goes back.
func (s *Store) TouchSessions(ctx context.Context, uses []Session) error {
	if len(uses) == 0 {
		return nil
	}
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		switch {
		case s.IsSQLite():
			return tx.Exec(touchSQLite, usesJSON(uses)).Error
		case s.HasJSONTable():
			return tx.Exec(touchMySQL, usesJSON(uses)).Error
		}
		for part := range slices.Chunk(uses, maxTouched) {
			var times, keys []any
			for _, u := range part {
				times, keys = append(times, u.UserID, u.ID, u.SeenMs), append(keys, u.UserID, u.ID)
			}
			statement := fmt.Sprintf(touchListed, strings.Repeat(touchOne, len(part)), sqldb.Pairs(len(part)))
			if err := tx.Exec(statement, slices.Concat(times, keys, times)...).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("touch sessions: %w", err)
	}
	return nil
}

// usesJSON is [[user, id, ms],...].
func usesJSON(uses []Session) string {
	list := make([]byte, 0, 56*len(uses)+2)
	for i, u := range uses {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(append(list, '['), u.UserID, 10)
		list = strconv.AppendInt(append(list, ','), u.ID, 10)
		list = append(strconv.AppendInt(append(list, ','), u.SeenMs, 10), ']')
	}
	return "[" + string(list) + "]"
}

// ForgetSessions forgets those with ids below one, a step at a time, and returns how many.
func (s *Store) ForgetSessions(ctx context.Context, below int64) (int64, error) {
	return s.forget(ctx, &Session{}, "id", below)
}

// ForgetRevocations forgets those of before a time, a step at a time, and returns how many.
func (s *Store) ForgetRevocations(ctx context.Context, beforeMs int64) (int64, error) {
	return s.forget(ctx, &Revocation{}, "revoked_ms", beforeMs)
}
