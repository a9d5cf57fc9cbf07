package db

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// auditRows is how many notices one step of WrongNotices compares.
const auditRows = 1000

// Since is since when there are notices. What happened before was not told.
func (s *Store) Since(ctx context.Context) (sinceMs int64, err error) {
	if err := s.Read.WithContext(ctx).Raw("SELECT since_ms FROM notice_epoch WHERE id = 1").Scan(&sinceMs).Error; err != nil {
		return 0, fmt.Errorf("since when there are notices: %w", sqldb.Translate(err))
	}
	return sinceMs, nil
}

// Counters is how many notices and entries there are.
func (s *Store) Counters(ctx context.Context) (n int64, err error) {
	const query = "SELECT (SELECT COUNT(*) FROM notices) + (SELECT COUNT(*) FROM notice_entries)"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("counters: %w", sqldb.Translate(err))
	}
	return n, nil
}

// Standing reads those of the entries that count, at most maxRows keys: that are present, in a notice that is not gone.
func (s *Store) Standing(ctx context.Context, keys []EntryKey) (map[EntryKey]Entry, error) {
	read := s.Read.WithContext(ctx)
	entries, err := s.readEntries(read, keys)
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	groups := map[Key]bool{}
	for k := range entries {
		groups[k.Key] = true
	}
	notices, err := s.readNotices(read, slices.SortedFunc(maps.Keys(groups), compareKeys))
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	maps.DeleteFunc(entries, func(k EntryKey, e Entry) bool { return !e.Present || notices[k.Key].GoneMs != 0 })
	return entries, nil
}

// Recounted is a notice whose row is not what its entries say.
type Recounted struct {
	Key
	Entries, NewestMs         int64
	WantEntries, WantNewestMs int64
}

// WrongNotices compares the notices behind a key, and the entries of those that have no row, in the order of their keys: one step. It
// returns where to go on; done says that there is nothing more. Notices and entries are seen at one moment.
func (s *Store) WrongNotices(ctx context.Context, after Key) (wrong []Recounted, next Key, done bool, err error) {
	err = s.Snapshot(ctx, func(at *sqldb.DB) error {
		store := New(at)
		rows, err := store.NoticesAfter(ctx, after, auditRows)
		if err != nil {
			return err
		}
		next, done = Key{math.MaxInt64, math.MaxInt32, math.MaxInt64}, len(rows) < auditRows
		if !done {
			next = rows[len(rows)-1].Key
		}
		wrong, err = store.compare(ctx, rows, after, next)
		return err
	})
	if err != nil {
		return nil, after, false, fmt.Errorf("recount notices: %w", err)
	}
	return wrong, next, done, nil
}

func (s *Store) compare(ctx context.Context, rows []Notice, after, upTo Key) (wrong []Recounted, err error) {
	where, args := keyAfter(after)
	where += " AND user_id <= ? AND (user_id < ? OR kind < ? OR (kind = ? AND subject_id <= ?)) AND present = ?"
	args = append(args, upTo.UserID, upTo.UserID, upTo.Kind, upTo.Kind, upTo.SubjectID, true)
	type row struct {
		Key      `gorm:"embedded"`
		Entries  int64
		NewestMs int64
	}
	counted, err := sqldb.Map(sqldb.Rows[row]{Query: s.Read.WithContext(ctx).Raw(
		`SELECT user_id, kind, subject_id, COUNT(*) AS entries, MAX(at_ms) AS newest_ms FROM notice_entries
			WHERE `+where+` GROUP BY user_id, kind, subject_id`, args...,
	)}, func(r row) Key { return r.Key })
	if err != nil {
		return nil, err
	}
	add := func(n Notice, c row) {
		if n.GoneMs != 0 {
			c = row{}
		}
		if n.Entries != c.Entries || n.NewestMs != c.NewestMs {
			wrong = append(wrong, Recounted{n.Key, n.Entries, n.NewestMs, c.Entries, c.NewestMs})
		}
	}
	for _, n := range rows {
		add(n, counted[n.Key])
		delete(counted, n.Key)
	}
	for k, c := range counted { // without a row
		add(Notice{Key: k}, c)
	}
	return wrong, nil
}

// Truth is what entries shall be.
type Truth struct {
	// Wanted are those that shall be there.
	Wanted map[EntryKey]Change
	// Unknown are those of which it is not known.
	Unknown map[EntryKey]bool
}

// Repair makes entries, at most maxRows, what they shall be, and sets the counts of their notices and of the others in groups, which are
// at most maxRows, too. truth is asked while the notices are locked: what it does not know yet comes as a message, which waits for the
// lock and is newer. It may be asked several times.
func (s *Store) Repair(
	ctx context.Context, groups []Key, entries []EntryKey, truth func(ctx context.Context) (Truth, error), nowMs int64,
) (repaired int, err error) {
	keys := slices.Clone(groups)
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	slices.SortFunc(keys, compareKeys)
	var rows []Notice
	for _, k := range slices.Compact(keys) {
		rows = append(rows, Notice{Key: k})
	}
	if len(rows) == 0 {
		return 0, nil
	}
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		repaired, err = s.repair(ctx, tx, rows, entries, truth, nowMs)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("repair notices: %w", err)
	}
	return repaired, nil
}

func (s *Store) repair(
	ctx context.Context, tx *gorm.DB, rows []Notice, keys []EntryKey, truth func(ctx context.Context) (Truth, error), nowMs int64,
) (repaired int, err error) {
	groups, err := s.lockNotices(tx, rows)
	if err != nil {
		return 0, err
	}
	shall, err := truth(ctx)
	if err != nil {
		return 0, err
	}
	stored, err := s.readEntries(tx, keys)
	if err != nil {
		return 0, err
	}
	var entries []Entry
	for _, k := range keys {
		if e, wrong := groups[k.Key].correct(stored[k], k, shall, nowMs); wrong {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return compareEntries(a.EntryKey(), b.EntryKey()) })
	if err := putEntries(tx, entries); err != nil {
		return 0, err
	}
	n, err := recount(tx, groups)
	return n + len(entries), err
}

// correct is an entry as it shall be. What was told with it stays; the message that said it is the one that was applied last.
func (g *group) correct(old Entry, k EntryKey, shall Truth, nowMs int64) (e Entry, wrong bool) {
	want, wanted := shall.Wanted[k]
	switch {
	case shall.Unknown[k]:
		return old, false
	case !wanted:
		wrong = old.Present && g.GoneMs == 0
		old.Present, old.AtMs = false, nowMs
		return old, wrong
	}
	g.VideoID, g.Failed, g.Reason, g.Title = want.VideoID, want.Failed, want.Reason, want.Title
	if g.GoneMs != 0 {
		g.GoneMs, wrong = 0, true
	}
	e = want.Entry
	e.Seq = old.Seq
	if k.Kind == KindUpload && old.Present { // nobody else knows when it was
		e.AtMs = old.AtMs
	}
	return e, wrong || e != old
}

const recountSQL = `SELECT ? AS place, COUNT(*) AS entries, COALESCE(MAX(at_ms), 0) AS newest_ms FROM notice_entries
	WHERE user_id = ? AND kind = ? AND subject_id = ? AND present = ?`

// recount sets the counts of locked notices, and returns how many were wrong.
func recount(tx *gorm.DB, groups map[Key]*group) (wrong int, err error) {
	keys := slices.SortedFunc(maps.Keys(groups), compareKeys)
	rows := make([]Notice, len(keys))
	for first := 0; first < len(keys); first += maxUnion {
		part := keys[first:min(first+maxUnion, len(keys))]
		args := make([]any, 0, 5*len(part))
		for i, k := range part {
			args = append(args, first+i, k.UserID, k.Kind, k.SubjectID, true)
		}
		type row struct {
			Place             int
			Entries, NewestMs int64
		}
		err := sqldb.Rows[row]{Query: tx.Raw(sqldb.UnionAll(recountSQL, len(part)), args...)}.Each(func(r row) {
			n := groups[keys[r.Place]].Notice
			if n.GoneMs != 0 {
				r.Entries, r.NewestMs = 0, 0
			}
			if n.Entries != r.Entries || n.NewestMs != r.NewestMs {
				wrong++
			}
			n.Entries, n.NewestMs = r.Entries, r.NewestMs
			rows[r.Place] = n
		})
		if err != nil {
			return 0, err
		}
	}
	set := clause.AssignmentColumns([]string{"video_id", "entries", "newest_ms", "gone_ms", "failed", "reason", "title"})
	return wrong, tx.Clauses(sqldb.Upsert(set, "user_id", "kind", "subject_id")).Create(&rows).Error
}
