package db

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// MaxSubscriptions is the most browsers of one user: the oldest above leaves.
const MaxSubscriptions = 20

// Subscription is a browser that takes pushes for a user, as long as the session lasts in which it said so.
type Subscription struct {
	ID        int64 `gorm:"column:id;primaryKey;autoIncrement:false"`
	UserID    int64 `gorm:"column:user_id"`
	SessionID int64 `gorm:"column:session_id"`
	// EndpointHash is the SHA-256 of Endpoint, in hex: MySQL has no unique key of 1000 bytes. Subscribe sets it.
	EndpointHash string `gorm:"column:endpoint_hash"`
	Endpoint     string `gorm:"column:endpoint"`
	P256dh       string `gorm:"column:p256dh"`
	Auth         string `gorm:"column:auth"`
	CreatedAtMs  int64  `gorm:"column:created_at_ms"`
}

// TableName is push_subscriptions.
func (Subscription) TableName() string { return "push_subscriptions" }

// Subscribe stores a subscription, or makes the one with its endpoint this one: then it has the id that it had. It returns the id. Of many
// at once, the last one to return leaves at most MaxSubscriptions; no lock is held meanwhile.
func (s *Store) Subscribe(ctx context.Context, sub Subscription) (id int64, err error) {
	hash := sha256.Sum256([]byte(sub.Endpoint))
	sub.EndpointHash = hex.EncodeToString(hash[:])
	set := clause.AssignmentColumns([]string{"user_id", "session_id", "p256dh", "auth", "created_at_ms"})
	created := sub.ID
	write := s.Write.WithContext(ctx)
	if err := write.Clauses(sqldb.Upsert(set, "endpoint_hash")).Create(&sub).Error; err != nil {
		return 0, fmt.Errorf("subscribe: %w", sqldb.Translate(err))
	}
	stored, err := sqldb.Select[Subscription](write, "FROM push_subscriptions WHERE user_id = ?", sub.UserID).All()
	if err != nil {
		return 0, fmt.Errorf("subscribe: %w", err)
	}
	at := slices.IndexFunc(stored, func(o Subscription) bool { return o.EndpointHash == sub.EndpointHash })
	if at < 0 { // it has left already: for newer ones, or to another user
		return created, nil
	}
	id = stored[at].ID
	if len(stored) <= MaxSubscriptions {
		return id, nil
	}
	others := slices.Delete(stored, at, at+1) // it stays, whatever the clocks say
	slices.SortFunc(others, func(a, b Subscription) int {
		return cmp.Or(cmp.Compare(b.CreatedAtMs, a.CreatedAtMs), cmp.Compare(b.ID, a.ID))
	})
	return id, s.RemoveSubscriptions(ctx, others[MaxSubscriptions-1:])
}

// Unsubscribe removes a user's subscription, if there is one of that id.
func (s *Store) Unsubscribe(ctx context.Context, userID, id int64) error {
	err := s.Write.WithContext(ctx).Where("id = ? AND user_id = ?", id, userID).Delete(&Subscription{}).Error
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", sqldb.Translate(err))
	}
	return nil
}

// subscriptionsSQL finds the browsers of many users by the index of users.
const subscriptionsSQL = "FROM push_subscriptions WHERE user_id IN ?"

// Subscriptions reads the browsers of users, at most 1000 users.
func (s *Store) Subscriptions(ctx context.Context, userIDs []int64) ([]Subscription, error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	all, err := sqldb.Select[Subscription](s.Read.WithContext(ctx), subscriptionsSQL, userIDs).All()
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return all, nil
}

// RemoveSubscriptions removes subscriptions that are as they were read: one that was renewed meanwhile stays.
func (s *Store) RemoveSubscriptions(ctx context.Context, gone []Subscription) error {
	for part := range slices.Chunk(gone, 500) {
		var pairs []any
		for _, g := range part {
			pairs = append(pairs, []any{g.ID, g.CreatedAtMs})
		}
		err := s.Write.WithContext(ctx).Where("(id, created_at_ms) IN ?", pairs).Delete(&Subscription{}).Error
		if err != nil {
			return fmt.Errorf("remove subscriptions: %w", sqldb.Translate(err))
		}
	}
	return nil
}

// EndSessions removes the subscriptions of sessions that have ended, at most 1000, and their users.
func (s *Store) EndSessions(ctx context.Context, userIDs, sessionIDs []int64) error {
	if len(sessionIDs) == 0 {
		return nil
	}
	err := s.Write.WithContext(ctx).Where("user_id IN ? AND session_id IN ?", userIDs, sessionIDs).Delete(&Subscription{}).Error
	if err != nil {
		return fmt.Errorf("end the subscriptions of sessions: %w", sqldb.Translate(err))
	}
	return nil
}
