package db

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// MaxChanges is the most changes that one transaction takes.
const MaxChanges = 1000

// Change is what a message makes of one entry, or of a whole notice.
type Change struct {
	Entry
	// Gone says that the notice's subject was deleted for good, at AtMs: then nothing else but Key, VideoID and AtMs has a meaning.
	Gone bool
	// VideoID is the video that the notice leads to.
	VideoID int64
	// Failed, Reason and Title are of KindUpload.
	Failed bool
	Reason string
	Title  string
}

// Applied is what was another before.
type Applied struct {
	// Changed are the notices that users see otherwise than before, each once.
	Changed []Key
	// Added are the changes that made entries, or made them again.
	Added []Change
	// Old is how many changes were not newer than what was there.
	Old int
}

// Apply stores changes, at most MaxChanges, of which no two have the same entry, in one transaction: of each entry the newest of all
// that were ever applied counts. It takes as many statements for many changes as for a few, except that where the newest entries of more
// than 200 notices leave, there is one more for each 200.
//
// Whatever changes or removes entries holds the row of their notice, and takes those rows in the order of their keys. So two
// processes that apply at the same time, because one takes over from another, wait for each other, and see what the other one did.
func (s *Store) Apply(ctx context.Context, changes []Change) (done Applied, err error) {
	if len(changes) == 0 {
		return Applied{}, nil
	}
	changes = slices.SortedFunc(slices.Values(changes), func(a, b Change) int { return compareEntries(a.EntryKey(), b.EntryKey()) })
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		done = Applied{}
		return s.apply(tx, changes, &done)
	})
	if err != nil {
		return Applied{}, fmt.Errorf("apply changes of notices: %w", err)
	}
	return done, nil
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.SubjectID, b.SubjectID))
}

func compareEntries(a, b EntryKey) int {
	return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.EntryID, b.EntryID))
}

// group is a notice while changes are applied to it.
type group struct {
	Notice
	// changed says that its row has to be written, seen that users see it otherwise.
	changed, seen bool
	// left says that the newest entry may have left.
	left bool
}

func (s *Store) apply(tx *gorm.DB, changes []Change, done *Applied) error {
	groups, err := s.lockNotices(tx, noticesOf(changes))
	if err != nil {
		return err
	}
	keys := make([]EntryKey, 0, len(changes))
	for _, c := range changes {
		if !c.Gone {
			keys = append(keys, c.EntryKey())
		}
	}
	stored, err := s.readEntries(tx, keys)
	if err != nil {
		return err
	}
	var entries []Entry
	for _, c := range changes {
		g := groups[c.Key]
		if c.Gone {
			g.end(c)
			continue
		}
		old, known := stored[c.EntryKey()]
		if known && old.Seq >= c.Seq {
			done.Old++
			continue
		}
		entries = append(entries, c.Entry)
		if g.replace(old, c) {
			done.Added = append(done.Added, c)
		}
	}
	if err := putEntries(tx, entries); err != nil {
		return err
	}
	done.Changed, err = s.putNotices(tx, groups)
	return err
}

// noticesOf are rows of the notices of changes, which are sorted.
func noticesOf(changes []Change) []Notice {
	rows := make([]Notice, 0, len(changes))
	for _, c := range changes {
		if n := len(rows); n == 0 || rows[n-1].Key != c.Key {
			rows = append(rows, Notice{Key: c.Key, VideoID: c.VideoID})
		}
	}
	return rows
}

// lockNotices makes sure that there is a row for each notice, which are sorted, locks the rows, and reads them.
func (s *Store) lockNotices(tx *gorm.DB, rows []Notice) (map[Key]*group, error) {
	lock := sqldb.Upsert(clause.AssignmentColumns([]string{"kind"}), "user_id", "kind", "subject_id") // what it is already
	if err := tx.Clauses(lock).Create(&rows).Error; err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, n := range rows {
		keys[i] = n.Key
	}
	found, err := s.readNotices(tx, keys)
	if err != nil {
		return nil, err
	}
	groups := make(map[Key]*group, len(found))
	for k, n := range found {
		groups[k] = &group{Notice: n}
	}
	return groups, nil
}

// end takes the whole notice away.
func (g *group) end(c Change) {
	if g.GoneMs != 0 {
		return
	}
	g.changed, g.seen = true, g.Entries > 0
	g.GoneMs, g.Entries, g.NewestMs, g.left = c.AtMs, 0, 0, false
}

// replace counts an entry as c says instead of as it was before, and reports whether that made one that counts.
func (g *group) replace(old Entry, c Change) (added bool) {
	if g.GoneMs != 0 {
		return false
	}
	if c.Present && (g.Failed != c.Failed || g.Reason != c.Reason || g.Title != c.Title) {
		g.Failed, g.Reason, g.Title, g.changed, g.seen = c.Failed, c.Reason, c.Title, true, true
	}
	if old.Present == c.Present && (!c.Present || old.AtMs == c.AtMs) {
		return false
	}
	g.changed, g.seen = true, true
	if old.Present {
		g.Entries--
		g.left = g.left || old.AtMs >= g.NewestMs
	}
	if c.Present {
		g.Entries++
		if c.AtMs >= g.NewestMs {
			g.NewestMs, g.left = c.AtMs, false
		}
	}
	return c.Present && !old.Present
}

// putEntries stores entries whose notices are locked.
func putEntries(tx *gorm.DB, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	set := clause.AssignmentColumns([]string{"actor_id", "at_ms", "present", "seq"})
	return tx.Clauses(sqldb.Upsert(set, "user_id", "kind", "subject_id", "entry_id")).Create(&entries).Error
}

// putNotices stores the notices that have changed, and returns those that are seen otherwise.
func (s *Store) putNotices(tx *gorm.DB, groups map[Key]*group) (seen []Key, err error) {
	var rows []Notice
	var left []*group
	for _, k := range slices.SortedFunc(maps.Keys(groups), compareKeys) {
		g := groups[k]
		if g.seen {
			seen = append(seen, k)
		}
		switch {
		case !g.changed:
			continue
		case g.Entries <= 0:
			g.Entries, g.NewestMs = 0, 0
		case g.left:
			left = append(left, g)
		}
	}
	if err := readNewest(tx, left); err != nil {
		return nil, err
	}
	for _, k := range slices.SortedFunc(maps.Keys(groups), compareKeys) {
		if g := groups[k]; g.changed {
			rows = append(rows, g.Notice)
		}
	}
	if len(rows) == 0 {
		return seen, nil
	}
	set := clause.AssignmentColumns([]string{"entries", "newest_ms", "gone_ms", "failed", "reason", "title"})
	return seen, tx.Clauses(sqldb.Upsert(set, "user_id", "kind", "subject_id")).Create(&rows).Error
}

// newestSQL is one look into the index of a notice's entries.
const newestSQL = `SELECT ? AS place, COALESCE(MAX(at_ms), 0) AS newest_ms FROM notice_entries
	WHERE user_id = ? AND kind = ? AND subject_id = ? AND present = ?`

// readNewest sets when the newest entries of notices are.
func readNewest(tx *gorm.DB, groups []*group) error {
	for part := range slices.Chunk(groups, maxUnion) {
		args := make([]any, 0, 5*len(part))
		for i, g := range part {
			args = append(args, i, g.UserID, g.Kind, g.SubjectID, true)
		}
		type row struct {
			Place    int
			NewestMs int64
		}
		err := sqldb.Rows[row]{Query: tx.Raw(sqldb.UnionAll(newestSQL, len(part)), args...)}.Each(func(r row) {
			part[r.Place].NewestMs = r.NewestMs
		})
		if err != nil {
			return err
		}
	}
	return nil
}
