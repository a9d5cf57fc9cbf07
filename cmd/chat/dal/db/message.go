package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
)

// Message is one text between two users: LowID and HighID, of whom FromUserID wrote it.
type Message struct {
	LowID       int64  `gorm:"column:low_id;primaryKey;autoIncrement:false"`
	HighID      int64  `gorm:"column:high_id;primaryKey;autoIncrement:false"`
	CreatedAtMs int64  `gorm:"column:created_at_ms;primaryKey;autoIncrement:false"`
	ID          int64  `gorm:"column:id"`
	FromUserID  int64  `gorm:"column:from_user_id"`
	Content     string `gorm:"column:content"`
}

// TableName is messages.
func (Message) TableName() string { return "messages" }

// ToUserID is the one who did not write it.
func (m Message) ToUserID() int64 { return m.LowID + m.HighID - m.FromUserID }

// Key names a conversation: its two users, the lower id first.
type Key struct{ Low, High int64 }

// Peer is the one of the two who is not the user.
func (k Key) Peer(userID int64) int64 { return k.Low + k.High - userID }

// KeyOf is the key of the conversation of two users.
func KeyOf(a, b int64) Key { return Key{Low: min(a, b), High: max(a, b)} }

// Append stores a message at atMs, or a little later when the conversation has a message of that time or a later one:
// times strictly increase in a conversation, whatever the clocks of its senders do. What was there is read for the sender from now on,
// the message is unread for the other. It returns what was stored.
func (s *Store) Append(ctx context.Context, id, from, to int64, content string, atMs int64) (Message, error) {
	low, high := min(from, to), max(from, to)
	m := Message{LowID: low, HighID: high, ID: id, FromUserID: from, Content: content}
	err := s.Tx(ctx, func(tx *gorm.DB) (err error) {
		row := Conversation{LowID: low, HighID: high, LastAtMs: atMs, UnreadID: to, CountedMs: atMs}
		if m.CreatedAtMs, err = s.claim(tx, row); err != nil {
			return err
		}
		return tx.Create(&m).Error
	})
	if err != nil {
		return Message{}, fmt.Errorf("store message: %w", err)
	}
	return m, nil
}

// Latest reads the newest messages of a conversation, at most limit, oldest first. from leaves out those of the other
// side; 0 is both sides.
func (s *Store) Latest(ctx context.Context, a, b, from int64, limit int) ([]Message, error) {
	messages, err := list(sqldb.Select[Message](s.Read.WithContext(ctx), latestSQL(from), args(a, b, from, limit)...))
	slices.Reverse(messages)
	return messages, err
}

// After reads the messages of a conversation that are newer than afterMs, at most limit, oldest first. from is as in
// Latest. It looks only at what is newer, so a poll that finds nothing is one probe of the primary key.
func (s *Store) After(ctx context.Context, a, b, from, afterMs int64, limit int) ([]Message, error) {
	return list(sqldb.Select[Message](s.Read.WithContext(ctx), afterSQL(from), args(a, b, from, afterMs, limit)...))
}

// Before reads the messages of a conversation that are older than beforeMs, at most limit, the newest of them, oldest first. from is
// as in Latest.
func (s *Store) Before(ctx context.Context, a, b, from, beforeMs int64, limit int) ([]Message, error) {
	messages, err := list(sqldb.Select[Message](s.Read.WithContext(ctx), beforeSQL(from), args(a, b, from, beforeMs, limit)...))
	slices.Reverse(messages)
	return messages, err
}

func latestSQL(from int64) string {
	return "FROM messages WHERE low_id = ? AND high_id = ?" + fromSQL(from) +
		" ORDER BY created_at_ms DESC LIMIT ?"
}

func afterSQL(from int64) string {
	return "FROM messages WHERE low_id = ? AND high_id = ?" + fromSQL(from) +
		" AND created_at_ms > ? ORDER BY created_at_ms LIMIT ?"
}

func beforeSQL(from int64) string {
	return "FROM messages WHERE low_id = ? AND high_id = ?" + fromSQL(from) +
		" AND created_at_ms < ? ORDER BY created_at_ms DESC LIMIT ?"
}

func fromSQL(from int64) string {
	if from == 0 {
		return ""
	}
	return " AND from_user_id = ?"
}

func args(a, b, from int64, rest ...any) []any {
	out := []any{min(a, b), max(a, b)}
	if from != 0 {
		out = append(out, from)
	}
	return append(out, rest...)
}

func list(rows sqldb.Rows[Message]) ([]Message, error) {
	messages, err := rows.All()
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return messages, nil
}

// MGetLast reads the newest message of each conversation, in one statement. A conversation without messages is absent.
func (s *Store) MGetLast(ctx context.Context, keys []Key) (map[Key]Message, error) {
	read := s.Read.WithContext(ctx)
	query, args := lastSQL(sqldb.Columns[Message](read, "m"), keys)
	if query == "" {
		return map[Key]Message{}, nil
	}
	rows := sqldb.Rows[Message]{Query: read.Raw(query, args...)}
	last, err := sqldb.Map(rows, func(m Message) Key { return Key{Low: m.LowID, High: m.HighID} })
	if err != nil {
		return nil, fmt.Errorf("read newest messages: %w", err)
	}
	return last, nil
}

// lastSQL asks for the conversations of each user: in one part for those in which the user has the lower id, in another for
// those with the higher one. Each part looks its rows up by the primary key. All conversations of one user, which is a list of
// friends, are two parts.
func lastSQL(columns string, keys []Key) (query string, args []any) {
	count := make(map[int64]int)
	for _, k := range keys {
		count[k.Low]++
		count[k.High]++
	}
	type side struct {
		user  int64
		lower bool
	}
	peers, sides := make(map[side][]int64), []side(nil)
	for _, k := range keys {
		if k.Low == k.High {
			continue
		}
		s := side{k.Low, true}
		if count[k.High] > count[k.Low] {
			s = side{k.High, false}
		}
		if peers[s] == nil {
			sides = append(sides, s)
		}
		peers[s] = append(peers[s], k.Peer(s.user))
	}
	part := "SELECT " + columns + ` FROM conversations c JOIN messages m
		ON m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms = c.last_at_ms WHERE `
	parts := make([]string, len(sides))
	for i, s := range sides {
		parts[i] = part + "c.low_id = ? AND c.high_id IN ?"
		if !s.lower {
			parts[i] = part + "c.high_id = ? AND c.low_id IN ?"
		}
		args = append(args, s.user, peers[s])
	}
	return strings.Join(parts, " UNION ALL "), args
}
