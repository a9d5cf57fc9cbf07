package db

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"tiktok/pkg/idempotency"
	"tiktok/pkg/outbox"
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

// side is one of the two users of a conversation, by name and by bit in messages.hidden.
type side struct {
	name string
	bit  int64
}

// side is the one that a user is.
func (k Key) side(userID int64) side {
	if userID == k.Low {
		return side{"low", 1}
	}
	return side{"high", 2}
}

// column is the column of conversations that tells of the side: cleared, shown or newest.
func (s side) column(what string) string { return what + "_" + s.name + "_ms" }

// sees is the condition for a message that the side has not deleted by itself.
func (s side) sees(alias string) string {
	return "(" + alias + ".hidden & " + strconv.FormatInt(s.bit, 10) + ") = 0"
}

// Tell makes what other services shall hear of a message.
type Tell func(Message) ([]outbox.Message, error)

// Append stores a message at atMs, or a little later when the conversation has a message of that time or a later one:
// times strictly increase in a conversation, whatever the clocks of its senders do. What was there is read for the sender from now on,
// the message is unread for the other. It returns what was stored.
//
// Of the requests with one key only the first stores a message, and the others return it: what it holds now, repeated is true. key may be
// nil. It fails with errno.IdempotencyKeyReused.
func (s *Store) Append(
	ctx context.Context, id, from, to int64, content string, atMs int64, key *idempotency.Request, tell Tell,
) (m Message, repeated bool, err error) {
	first, repeated, err := s.Keys().Once(ctx, key, atMs, func() (err error) {
		m, err = s.append(ctx, id, from, to, content, atMs, key, tell)
		return err
	})
	if err == nil && repeated {
		m, err = s.byID(ctx, KeyOf(from, to), first.ResultID)
	}
	if err != nil {
		return Message{}, false, fmt.Errorf("store message: %w", err)
	}
	return m, repeated, nil
}

// Keys are the requests for messages that may be repeated. Their owners are the lower ids of conversations, their results the messages.
func (s *Store) Keys() idempotency.Store { return idempotency.NewStore(s.DB) }

// byID reads a message of a conversation.
func (s *Store) byID(ctx context.Context, key Key, id int64) (Message, error) {
	rows, err := sqldb.Select[Message](s.Read.WithContext(ctx), "FROM messages WHERE low_id = ? AND high_id = ? AND id = ?",
		key.Low, key.High, id).All()
	if err != nil {
		return Message{}, err
	}
	if len(rows) == 0 {
		return Message{}, sqldb.ErrNotFound
	}
	return rows[0], nil
}

func (s *Store) append(
	ctx context.Context, id, from, to int64, content string, atMs int64, key *idempotency.Request, tell Tell,
) (Message, error) {
	low, high := min(from, to), max(from, to)
	m := Message{LowID: low, HighID: high, ID: id, FromUserID: from, Content: content}
	err := s.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := key.AddTo(tx, id, atMs); err != nil {
			return err
		}
		row := Conversation{LowID: low, HighID: high, LastAtMs: atMs, UnreadID: to, CountedMs: atMs}
		if m.CreatedAtMs, err = s.claim(tx, row); err != nil {
			return err
		}
		told, err := tell(m)
		if err != nil {
			return err
		}
		if err := tx.Create(&m).Error; err != nil {
			return err
		}
		return outbox.Add(tx, told...)
	})
	return m, err
}

// Latest reads the newest messages that a user sees of the conversation with a peer, at most limit, oldest first. from leaves out those
// of the other side; 0 is both sides.
func (s *Store) Latest(ctx context.Context, userID, peerID, from int64, limit int) ([]Message, error) {
	messages, err := s.list(ctx, userID, peerID, from, latest, limit)
	slices.Reverse(messages)
	return messages, err
}

// After reads the messages that a user sees of a conversation and that are newer than afterMs, at most limit, oldest first. from is as in
// Latest. It looks only at what is newer, so a poll that finds nothing is one probe of the primary key.
func (s *Store) After(ctx context.Context, userID, peerID, from, afterMs int64, limit int) ([]Message, error) {
	return s.list(ctx, userID, peerID, from, after, afterMs, limit)
}

// Before reads the messages that a user sees of a conversation and that are older than beforeMs, at most limit, the newest of them, oldest
// first. from is as in Latest.
func (s *Store) Before(ctx context.Context, userID, peerID, from, beforeMs int64, limit int) ([]Message, error) {
	messages, err := s.list(ctx, userID, peerID, from, before, beforeMs, limit)
	slices.Reverse(messages)
	return messages, err
}

// The parts of a conversation that are read, and in which order.
const (
	latest = "ORDER BY m.created_at_ms DESC LIMIT ?"
	after  = "AND m.created_at_ms > ? ORDER BY m.created_at_ms LIMIT ?"
	before = "AND m.created_at_ms < ? ORDER BY m.created_at_ms DESC LIMIT ?"
)

// listSQL reads what a side sees of a conversation: the row of the conversation is found first, by its primary key, and bounds the range
// of messages by what that side has cleared.
func listSQL(side side, from int64, part string) string {
	query := "FROM conversations c JOIN messages m ON m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms > c." +
		side.column("cleared") + " WHERE c.low_id = ? AND c.high_id = ? AND " + side.sees("m") + " "
	if from != 0 {
		query += "AND m.from_user_id = ? "
	}
	return query + part
}

func listArgs(a, b, from int64, rest ...any) []any {
	out := []any{min(a, b), max(a, b)}
	if from != 0 {
		out = append(out, from)
	}
	return append(out, rest...)
}

func (s *Store) list(ctx context.Context, userID, peerID, from int64, part string, rest ...any) ([]Message, error) {
	read := s.Read.WithContext(ctx)
	query := "SELECT " + sqldb.Columns[Message](read, "m") + " " + listSQL(KeyOf(userID, peerID).side(userID), from, part)
	messages, err := sqldb.Rows[Message]{Query: read.Raw(query, listArgs(userID, peerID, from, rest...)...)}.All()
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	return messages, nil
}

// Newest is the newest message that each of the two users of a conversation sees. One that sees none has a zero Message.
type Newest struct{ Low, High Message }

// For is what a user sees. ok is false when that is nothing.
func (n Newest) For(key Key, userID int64) (m Message, ok bool) {
	m = n.High
	if userID == key.Low {
		m = n.Low
	}
	return m, m.CreatedAtMs > 0
}

// MGetNewest reads the newest message of each conversation, in one statement. A conversation that never had one is absent.
func (s *Store) MGetNewest(ctx context.Context, keys []Key) (map[Key]Newest, error) {
	query, args := lastSQL(keys)
	if query == "" {
		return map[Key]Newest{}, nil
	}
	newest := map[Key]Newest{}
	rows := sqldb.Rows[newestRow]{Query: s.Read.WithContext(ctx).Raw(query, args...)}
	if err := rows.Each(func(r newestRow) { newest[Key{r.LowID, r.HighID}] = r.newest() }); err != nil {
		return nil, fmt.Errorf("read newest messages: %w", err)
	}
	return newest, nil
}

// newestRow is a conversation with the newest message of the lower id's user, and that of the other when it is another one.
type newestRow struct {
	LowID    int64  `gorm:"column:low_id"`
	HighID   int64  `gorm:"column:high_id"`
	Same     bool   `gorm:"column:same"`
	LAt      int64  `gorm:"column:l_at"`
	LID      int64  `gorm:"column:l_id"`
	LFrom    int64  `gorm:"column:l_from"`
	LContent string `gorm:"column:l_content"`
	HAt      int64  `gorm:"column:h_at"`
	HID      int64  `gorm:"column:h_id"`
	HFrom    int64  `gorm:"column:h_from"`
	HContent string `gorm:"column:h_content"`
}

func (r newestRow) newest() (n Newest) {
	if r.LAt > 0 {
		n.Low = Message{r.LowID, r.HighID, r.LAt, r.LID, r.LFrom, r.LContent}
	}
	switch {
	case r.Same:
		n.High = n.Low
	case r.HAt > 0:
		n.High = Message{r.LowID, r.HighID, r.HAt, r.HID, r.HFrom, r.HContent}
	}
	return n
}

// newestColumns reads a newestRow. The second message is only looked up when it is another one.
const newestColumns = `SELECT c.low_id, c.high_id, c.newest_low_ms = c.newest_high_ms AS same,
	COALESCE(l.created_at_ms, 0) AS l_at, COALESCE(l.id, 0) AS l_id, COALESCE(l.from_user_id, 0) AS l_from,
	COALESCE(l.content, '') AS l_content,
	COALESCE(h.created_at_ms, 0) AS h_at, COALESCE(h.id, 0) AS h_id, COALESCE(h.from_user_id, 0) AS h_from,
	COALESCE(h.content, '') AS h_content
	FROM conversations c
	LEFT JOIN messages l ON l.low_id = c.low_id AND l.high_id = c.high_id AND l.created_at_ms = c.newest_low_ms
	LEFT JOIN messages h ON h.low_id = c.low_id AND h.high_id = c.high_id AND h.created_at_ms = c.newest_high_ms
		AND c.newest_high_ms <> c.newest_low_ms WHERE `

// lastSQL asks for the conversations of each user: in one part for those in which the user has the lower id, in another for
// those with the higher one. Each part looks its rows up by the primary key. All conversations of one user, which is a list of
// friends, are two parts.
func lastSQL(keys []Key) (query string, args []any) {
	count := make(map[int64]int)
	for _, k := range keys {
		count[k.Low]++
		count[k.High]++
	}
	type own struct {
		user  int64
		lower bool
	}
	peers, sides := make(map[own][]int64), []own(nil)
	for _, k := range keys {
		if k.Low == k.High {
			continue
		}
		s := own{k.Low, true}
		if count[k.High] > count[k.Low] {
			s = own{k.High, false}
		}
		if peers[s] == nil {
			sides = append(sides, s)
		}
		peers[s] = append(peers[s], k.Peer(s.user))
	}
	parts := make([]string, len(sides))
	for i, s := range sides {
		parts[i] = newestColumns + "c.low_id = ? AND c.high_id IN ?"
		if !s.lower {
			parts[i] = newestColumns + "c.high_id = ? AND c.low_id IN ?"
		}
		args = append(args, s.user, peers[s])
	}
	return strings.Join(parts, " UNION ALL "), args
}
