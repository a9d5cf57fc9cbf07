package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
)

// Conversation is the row that orders the messages of two users, and knows which of them are unread. Who sends a message has read all
// before it, so only the receiver of the newest one can have unread messages: those after ReadMs.
type Conversation struct {
	LowID  int64 `gorm:"column:low_id;primaryKey;autoIncrement:false"`
	HighID int64 `gorm:"column:high_id;primaryKey;autoIncrement:false"`
	// LastAtMs is the time of the newest message.
	LastAtMs int64 `gorm:"column:last_at_ms"`
	// UnreadID is the user with unread messages, 0 when there are none.
	UnreadID int64 `gorm:"column:unread_id"`
	// ReadMs is up to when UnreadID has read the other's messages. Without meaning when UnreadID is 0.
	ReadMs int64 `gorm:"column:read_ms"`
	// CountedMs is the newest message of which UnreadID and ReadMs know. While it is not LastAtMs the row is stale: a process that knows
	// nothing of the two has stored messages. See Settle.
	CountedMs int64 `gorm:"column:counted_ms"`
	// ClearedLowMs and ClearedHighMs are up to when a side has deleted all messages.
	ClearedLowMs  int64 `gorm:"column:cleared_low_ms"`
	ClearedHighMs int64 `gorm:"column:cleared_high_ms"`
	// ShownLowMs is the newest message that the lower id's user sees, 0 for none, while ShownLowAtMs is LastAtMs; else that is LastAtMs. The
	// other two say the same of the other side. The columns newest_low_ms and newest_high_ms are that.
	ShownLowMs    int64 `gorm:"column:shown_low_ms"`
	ShownLowAtMs  int64 `gorm:"column:shown_low_at_ms"`
	ShownHighMs   int64 `gorm:"column:shown_high_ms"`
	ShownHighAtMs int64 `gorm:"column:shown_high_at_ms"`
}

// TableName is conversations.
func (Conversation) TableName() string { return "conversations" }

// Key names it.
func (c Conversation) Key() Key { return Key{Low: c.LowID, High: c.HighID} }

// ReadUntilMs is up to when a user has read the other's messages.
func (c Conversation) ReadUntilMs(userID int64) int64 {
	if c.UnreadID == userID {
		return c.ReadMs
	}
	return c.LastAtMs
}

func (c Conversation) stale() bool { return c.CountedMs != c.LastAtMs }

// claim stores the conversation's row, or makes it that of one more message, and locks it until the commit. It returns the message's time:
// that of the row, or a little later. It is one statement, whose result tells the time: every further one would cost a round trip.
func (s *Store) claim(tx *gorm.DB, row Conversation) (atMs int64, err error) {
	upsert := sqldb.Upsert(s.claimSet(), "low_id", "high_id")
	if s.IsSQLite() {
		err = tx.Clauses(upsert, clause.Returning{Columns: []clause.Column{{Name: "last_at_ms"}}}).Create(&row).Error
		return row.LastAtMs, err
	}
	result := gorm.WithResult()
	if err := tx.Clauses(upsert, result).Create(&row).Error; err != nil {
		return 0, err
	}
	updatedMs, err := result.Result.LastInsertId() // of LAST_INSERT_ID in claimSet; 0 when the row is new
	return cmp.Or(updatedMs, row.LastAtMs), err
}

// claimSet is for the conversation that gets one more message. When the one who had nothing unread becomes the receiver, what is there
// is what they have read. A stale row stays stale. MySQL sets the columns in this order and reads what it has set: each one is
// computed from itself and from those after it.
func (s *Store) claimSet() clause.Set {
	next := s.Greater("last_at_ms + 1", s.NewValue("last_at_ms"))
	set := func(column, value string) clause.Assignment {
		return clause.Assignment{Column: clause.Column{Name: column}, Value: gorm.Expr(value)}
	}
	receiver, told := s.NewValue("unread_id"), next
	if !s.IsSQLite() {
		told = "LAST_INSERT_ID(" + next + ")"
	}
	return clause.Set{
		set("read_ms", "CASE WHEN counted_ms = last_at_ms AND unread_id <> "+receiver+" THEN last_at_ms ELSE read_ms END"),
		set("unread_id", "CASE WHEN counted_ms = last_at_ms THEN "+receiver+" ELSE unread_id END"),
		set("counted_ms", "CASE WHEN counted_ms = last_at_ms THEN "+next+" ELSE counted_ms END"),
		set("last_at_ms", told),
	}
}

// Place is where a page of conversations begins: behind the conversation with this peer, of which the user saw this as the newest
// message.
type Place struct{ LastAtMs, PeerID int64 }

// Entry is a conversation in a user's list.
type Entry struct {
	Conversation
	// Last is the newest message that the user sees.
	Last Message
	// Unread is how many messages of the peer the user has not read, MaxUnread at the most.
	Unread int
}

// Conversations reads up to limit of a user's conversations that come after a place, that with the newest message first. Those in which
// the user has deleted everything are none of them. It takes two
// statements, one when nothing in them is unread, and one more when some of them are stale.
func (s *Store) Conversations(ctx context.Context, userID int64, after Place, limit int) ([]Entry, error) {
	entries, err := s.page(ctx, userID, after, limit)
	if err != nil {
		return nil, err
	}
	var stale []Conversation
	for _, e := range entries {
		if e.stale() {
			stale = append(stale, e.Conversation)
		}
	}
	newest, err := newestOf(s.Read.WithContext(ctx), stale)
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	for i, e := range entries {
		if e.stale() { // Settle stores it, later
			entries[i].Conversation = e.settle(newest[e.Key()])
		}
	}
	return entries, s.countUnread(ctx, userID, entries)
}

// page reads a page without the counts.
func (s *Store) page(ctx context.Context, userID int64, after Place, limit int) ([]Entry, error) {
	query, args := pageSQL(userID, after, limit)
	var entries []Entry
	err := sqldb.Rows[listed]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.Each(func(r listed) {
		m := Message{r.LowID, r.HighID, r.NewestMs, r.ID, r.FromUserID, r.Content}
		entries = append(entries, Entry{Conversation: r.Conversation, Last: m})
	})
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	slices.SortFunc(entries, func(a, b Entry) int { // no database promises the order of a union
		return cmp.Or(cmp.Compare(b.Last.CreatedAtMs, a.Last.CreatedAtMs), cmp.Compare(b.Key().Peer(userID), a.Key().Peer(userID)))
	})
	return entries[:min(limit, len(entries))], nil
}

// listed is a conversation with the newest message that a user sees.
type listed struct {
	Conversation
	NewestMs   int64  `gorm:"column:newest_ms"`
	ID         int64  `gorm:"column:id"`
	FromUserID int64  `gorm:"column:from_user_id"`
	Content    string `gorm:"column:content"`
}

// pageSQL reads the first conversations in which the user has the lower id, and the first in which the user has the higher one, each
// from an index in list order, and then the newest messages by their primary key.
func pageSQL(userID int64, after Place, limit int) (query string, args []any) {
	part := func(own, peer, newest string) string {
		return `SELECT c.low_id, c.high_id, c.last_at_ms, c.unread_id, c.read_ms, c.counted_ms, c.newest_ms,
			m.id, m.from_user_id, m.content FROM (
			SELECT low_id, high_id, last_at_ms, unread_id, read_ms, counted_ms, ` + newest + ` AS newest_ms FROM conversations
			WHERE ` + own + ` = ? AND ` + newest + ` > 0 AND ` + newest + ` <= ? AND (` + newest + ` < ? OR ` + peer + ` < ?)
			ORDER BY ` + newest + ` DESC, ` + peer + ` DESC LIMIT ?
		) AS c JOIN messages m ON m.low_id = c.low_id AND m.high_id = c.high_id AND m.created_at_ms = c.newest_ms`
	}
	args = []any{userID, after.LastAtMs, after.LastAtMs, after.PeerID, limit}
	return part("low_id", "high_id", "newest_low_ms") + " UNION ALL " + part("high_id", "low_id", "newest_high_ms"), append(args, args...)
}

// MaxUnread bounds what is counted.
const MaxUnread = 100

// unreadSQL counts in one conversation. All messages after the mark are the peer's, and none of them was cleared; single ones may be
// deleted.
const unreadSQL = `SELECT ? AS place, COUNT(*) AS unread FROM (
	SELECT 1 FROM messages WHERE low_id = ? AND high_id = ? AND created_at_ms > ? AND created_at_ms <= ? AND (hidden & ?) = 0 LIMIT ?) AS t`

// countUnread fills in Unread, in one statement for every 200 conversations.
func (s *Store) countUnread(ctx context.Context, userID int64, entries []Entry) error {
	var places []int
	for i, e := range entries {
		if e.UnreadID == userID && e.ReadMs < e.LastAtMs {
			places = append(places, i)
		}
	}
	for part := range slices.Chunk(places, maxUnion) {
		args := make([]any, 0, 7*len(part))
		for _, i := range part {
			e := entries[i]
			args = append(args, i, e.LowID, e.HighID, e.ReadMs, e.LastAtMs, e.Key().side(userID).bit, MaxUnread)
		}
		type row struct{ Place, Unread int }
		query := s.Read.WithContext(ctx).Raw(sqldb.UnionAll(unreadSQL, len(part)), args...)
		if err := (sqldb.Rows[row]{Query: query}).Each(func(r row) { entries[r.Place].Unread = r.Unread }); err != nil {
			return fmt.Errorf("count unread messages: %w", err)
		}
	}
	return nil
}

// maxUnion bounds the SELECTs of one statement: SQLite takes 500.
const maxUnion = 200

const withUnreadSQL = "SELECT COUNT(*) AS n FROM (SELECT 1 FROM conversations WHERE unread_id = ? LIMIT ?) AS t"

// CountUnread is the number of conversations in which the user has unread messages, MaxUnread at the most.
func (s *Store) CountUnread(ctx context.Context, userID int64) (n int, err error) {
	if err := s.Read.WithContext(ctx).Raw(withUnreadSQL, userID, MaxUnread).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count conversations: %w", sqldb.Translate(err))
	}
	return n, nil
}

// MarkRead marks the peer's messages up to a time as read. What is read stays read. A time after the newest message is that message's,
// so that none is marked that comes later. told is what other services hear when that changed something; changed says so.
func (s *Store) MarkRead(ctx context.Context, userID, peerID, untilMs int64, told []outbox.Message) (changed bool, err error) {
	changed, err = s.mark(ctx, userID, peerID, untilMs, told)
	if err != nil || changed {
		return changed, err
	}
	key := KeyOf(userID, peerID)
	var c Conversation
	query := sqldb.Select[Conversation](s.Write.WithContext(ctx), "FROM conversations WHERE low_id = ? AND high_id = ?", key.Low, key.High)
	if err := query.Each(func(row Conversation) { c = row }); err != nil {
		return false, fmt.Errorf("mark as read: %w", err)
	}
	if !c.stale() { // it was read, or there is none
		return false, nil
	}
	if _, err := s.Settle(ctx, []Key{key}); err != nil {
		return false, err
	}
	return s.mark(ctx, userID, peerID, untilMs, told)
}

func (s *Store) mark(ctx context.Context, userID, peerID, untilMs int64, told []outbox.Message) (marked bool, err error) {
	key := KeyOf(userID, peerID)
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(s.markSQL(key.side(userID)), untilMs, untilMs, untilMs, key.Low, key.High, userID, untilMs)
		if marked = res.RowsAffected > 0; res.Error != nil || !marked {
			return res.Error
		}
		return outbox.Add(tx, told...)
	})
	if err != nil {
		return false, fmt.Errorf("mark as read: %w", err)
	}
	return marked, nil
}

// markSQL makes MySQL find the row by the primary key, whatever else it may think of unread_id. Nothing is unread behind the newest
// message that the side sees.
func (s *Store) markSQL(side side) string {
	hint := " FORCE INDEX (PRIMARY)"
	if s.IsSQLite() {
		hint = ""
	}
	return `UPDATE conversations` + hint + ` SET
		read_ms = CASE WHEN last_at_ms < ? THEN last_at_ms ELSE ? END,
		unread_id = CASE WHEN ` + side.column("newest") + ` <= ? THEN 0 ELSE unread_id END
		WHERE low_id = ? AND high_id = ? AND unread_id = ? AND read_ms < ? AND counted_ms = last_at_ms`
}

// staleSQL finds stale conversations in an index that holds nothing else, or where they are together.
const staleSQL = "SELECT low_id, high_id FROM conversations WHERE stale = 1 LIMIT ?"

// Stale reads the keys of stale conversations, at most limit.
func (s *Store) Stale(ctx context.Context, limit int) ([]Key, error) {
	type row struct{ LowID, HighID int64 }
	var keys []Key
	query := sqldb.Rows[row]{Query: s.Read.WithContext(ctx).Raw(staleSQL, limit)}
	err := query.Each(func(r row) { keys = append(keys, Key{r.LowID, r.HighID}) })
	if err != nil {
		return nil, fmt.Errorf("look for stale conversations: %w", err)
	}
	return keys, nil
}

// Settle looks at the newest messages of those of the conversations that are stale, and sets what is unread: the messages after the
// receiver's own last message, and after what they had marked. It takes up to 100 keys, and returns how many were stale.
func (s *Store) Settle(ctx context.Context, keys []Key) (settled int, err error) {
	if len(keys) == 0 {
		return 0, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		settled = 0 // the transaction may be tried again
		stale, err := s.lockStale(tx, keys)
		if err != nil || len(stale) == 0 {
			return err
		}
		newest, err := newestOf(tx, stale)
		if err != nil {
			return err
		}
		for i, c := range stale {
			stale[i] = c.settle(newest[c.Key()])
		}
		settled = len(stale)
		set := clause.AssignmentColumns([]string{"unread_id", "read_ms", "counted_ms"})
		return tx.Clauses(sqldb.Upsert(set, "low_id", "high_id")).Create(&stale).Error
	})
	if err != nil {
		return 0, fmt.Errorf("settle conversations: %w", err)
	}
	return settled, nil
}

// lockStale reads and locks those of the conversations that are stale.
func (s *Store) lockStale(tx *gorm.DB, keys []Key) ([]Conversation, error) {
	rows, err := s.lock(tx, keys)
	return slices.DeleteFunc(rows, func(c Conversation) bool { return !c.stale() }), err
}

// lock reads and locks conversations, those that there are.
func (s *Store) lock(tx *gorm.DB, keys []Key) ([]Conversation, error) {
	query, args := lockSQL(keys)
	if !s.IsSQLite() { // there the transaction is alone with the file
		query += " FOR UPDATE"
	}
	return sqldb.Select[Conversation](tx, query, args...).All()
}

// lockSQL reads rows by primary key, in its order: who settles the same ones waits instead of deadlocking. MariaDB uses the key for
// this form, and not for (low_id, high_id) IN (...).
func lockSQL(keys []Key) (query string, args []any) {
	each := make([]string, len(keys))
	for i, k := range keys {
		each[i] = "low_id = ? AND high_id = ?"
		args = append(args, k.Low, k.High)
	}
	return "FROM conversations WHERE " + strings.Join(each, " OR ") + " ORDER BY low_id, high_id", args
}

// sender is who wrote a message, and when.
type sender struct {
	LowID       int64
	HighID      int64
	CreatedAtMs int64
	FromUserID  int64
}

const newestSQL = `SELECT * FROM (SELECT low_id, high_id, created_at_ms, from_user_id FROM messages
	WHERE low_id = ? AND high_id = ? AND created_at_ms <= ? ORDER BY created_at_ms DESC LIMIT ?) AS t`

// newestOf reads of each conversation one message more than is counted as unread, newest first. read may see newer messages than the
// rows do.
func newestOf(read *gorm.DB, of []Conversation) (map[Key][]sender, error) {
	if len(of) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 4*len(of))
	for _, c := range of {
		args = append(args, c.LowID, c.HighID, c.LastAtMs, MaxUnread+1)
	}
	newest := map[Key][]sender{}
	err := sqldb.Rows[sender]{Query: read.Raw(sqldb.UnionAll(newestSQL, len(of)), args...)}.Each(func(m sender) {
		k := Key{Low: m.LowID, High: m.HighID}
		newest[k] = append(newest[k], m)
	})
	for _, messages := range newest { // no database promises the order of a union
		slices.SortFunc(messages, func(a, b sender) int { return cmp.Compare(b.CreatedAtMs, a.CreatedAtMs) })
	}
	return newest, err
}

// settle is the conversation as its newest messages, newest first, show it.
func (c Conversation) settle(newest []sender) Conversation {
	known := c.CountedMs
	c.CountedMs = c.LastAtMs
	if len(newest) == 0 { // cannot be: a conversation is made with its first message
		c.UnreadID = 0
		return c
	}
	receiver := c.Key().Peer(newest[0].FromUserID)
	if receiver != c.UnreadID { // who had nothing unread had read all that was known of
		c.UnreadID, c.ReadMs = receiver, known
	}
	if own := slices.IndexFunc(newest, func(m sender) bool { return m.FromUserID == receiver }); own >= 0 {
		c.ReadMs = max(c.ReadMs, newest[own].CreatedAtMs)
	} else if len(newest) > MaxUnread { // no more are counted
		c.ReadMs = max(c.ReadMs, newest[MaxUnread].CreatedAtMs)
	}
	return c
}
