package db

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"tiktok/pkg/sqldb"
)

// Place is where a page of notices begins: behind this one.
type Place struct {
	NewestMs  int64
	Kind      int
	SubjectID int64
}

// List reads up to limit notices of a user behind a place, newest first, without those of kinds that the reader mutes.
func (s *Store) List(ctx context.Context, r Reader, after Place, limit int) ([]Notice, error) {
	query, args := s.listSQL(r, after, limit)
	rows, err := sqldb.Select[Notice](s.Read.WithContext(ctx), query, args...).All()
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return rows, nil
}

// listSQL walks along the index from the place on. A notice without entries has the time 0, which no page reaches.
func (s *Store) listSQL(r Reader, after Place, limit int) (query string, args []any) {
	wanted, args := wantedKinds(r)
	query = "FROM notices" + s.listIndex() + ` WHERE user_id = ? AND newest_ms > 0 AND newest_ms <= ?
		AND (newest_ms < ? OR kind < ? OR (kind = ? AND subject_id < ?))` + wanted +
		" ORDER BY newest_ms DESC, kind DESC, subject_id DESC LIMIT ?"
	args = append([]any{r.UserID, after.NewestMs, after.NewestMs, after.Kind, after.Kind, after.SubjectID}, args...)
	return query, append(args, limit)
}

// listIndex tells MySQL the index: without that it sorts all notices of a user who has few.
func (s *Store) listIndex() string {
	if s.IsSQLite() {
		return ""
	}
	return " FORCE INDEX (notices_list)"
}

// wantedKinds leaves out what the reader mutes.
func wantedKinds(r Reader) (condition string, args []any) {
	if r.Muted == 0 {
		return "", nil
	}
	args = make([]any, 0, bits.OnesCount64(uint64(r.Muted)))
	for kind := 1; kind <= Kinds; kind++ {
		if r.Mutes(kind) {
			args = append(args, kind)
		}
	}
	if len(args) == 0 { // bits of a later version
		return "", nil
	}
	return " AND kind NOT IN (" + strings.TrimSuffix(strings.Repeat("?,", len(args)), ",") + ")", args
}

// Looked is how many of a notice's newest entries are looked at for who did them.
const Looked = 30

// newestEntriesSQL reads them along the index.
const newestEntriesSQL = `SELECT * FROM (SELECT user_id, kind, subject_id, entry_id, actor_id, at_ms, present, seq FROM notice_entries
	WHERE user_id = ? AND kind = ? AND subject_id = ? AND present = ? ORDER BY at_ms DESC, entry_id DESC LIMIT ?) AS t`

// NewestEntries reads the newest entries of notices, newest first, at most Looked of each, in one statement for every 200 notices.
func (s *Store) NewestEntries(ctx context.Context, keys []Key) (map[Key][]Entry, error) {
	found := make(map[Key][]Entry, len(keys))
	for part := range slices.Chunk(keys, maxUnion) {
		args := make([]any, 0, 5*len(part))
		for _, k := range part {
			args = append(args, k.UserID, k.Kind, k.SubjectID, true, Looked)
		}
		query := sqldb.UnionAll(newestEntriesSQL, len(part))
		err := sqldb.Rows[Entry]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.Each(func(e Entry) {
			found[e.Key] = append(found[e.Key], e)
		})
		if err != nil {
			return nil, fmt.Errorf("read newest entries: %w", err)
		}
	}
	for _, entries := range found {
		slices.SortFunc(entries, newestFirst) // no database promises the order of a union
	}
	return found, nil
}

func newestFirst(a, b Entry) int {
	return cmp.Or(cmp.Compare(b.AtMs, a.AtMs), cmp.Compare(b.EntryID, a.EntryID))
}
