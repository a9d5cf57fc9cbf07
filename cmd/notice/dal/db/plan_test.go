package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What a page, a count, an apply and a purge read is read from indexes, on both dialects, however many notices there are.
func TestPlans(t *testing.T) {
	sqldbtest.Each(t, "notice", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		fill(t, s)
		reader := Reader{UserID: 5000, SeenMs: 10, Muted: 1<<KindFollow | 1<<KindUpload}
		list, listArgs := s.listSQL(reader, Place{1 << 40, KindLike, 7}, 30)
		unread, unreadArgs := s.unreadSQL([]Reader{reader, {UserID: 4000}})
		entryWhere, entryArgs := entryAfter(EntryKey{Key{4000, 1, 7}, 9})
		noticeWhere, noticeArgs := keyAfter(Key{4000, 1, 7})
		for name, c := range map[string]struct {
			query string
			args  []any
			want  string
		}{
			"page":      {"SELECT user_id, title " + list, listArgs, "notices_list"},
			"unread":    {unread, unreadArgs, "notices_list"},
			"actors":    {sqldb.UnionAll(newestEntriesSQL, 2), []any{5000, 1, 7, true, 30, 5000, 1, 8, true, 30}, "notice_entries_newest"},
			"newest":    {sqldb.UnionAll(newestSQL, 2), []any{0, 5000, 1, 7, true, 1, 5000, 1, 8, true}, ""},
			"any entry": {sqldb.UnionAll(anyEntrySQL, 2), []any{0, 5000, 1, 7, 1, 5000, 1, 8}, ""},
			"entries after": {
				"SELECT entry_id FROM notice_entries WHERE " + entryWhere + " ORDER BY user_id, kind, subject_id, entry_id LIMIT ?",
				append(entryArgs, 100), "PRIMARY",
			},
			"notices after": {
				"SELECT entries FROM notices WHERE " + noticeWhere + " ORDER BY user_id, kind, subject_id LIMIT ?",
				append(noticeArgs, 100), "PRIMARY",
			},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			if !strings.Contains(plan, c.want) {
				t.Errorf("%s does not use %s:\n%s", name, c.want, plan)
			}
			for _, bad := range []string{
				"SCAN notice", "filesort", "TEMP B-TREE", "table=notices type=ALL", "table=notice_entries type=ALL",
				"table=notices type=index", "table=notice_entries type=index",
			} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fill stores enough rows for the optimizer to take the indexes for worth it: user 5000 has 2000 notices of 2 entries, others have one.
func fill(t *testing.T, s *Store) {
	t.Helper()
	var notices, entries []string
	for i := range 5000 {
		user := 5000
		if i > 2000 {
			user = 6000 + i
		}
		notices = append(notices, fmt.Sprintf("(%d, %d, %d, 1, 2, %d)", user, 1+i%7, i, i))
		for e := range 2 {
			entries = append(entries, fmt.Sprintf("(%d, %d, %d, %d, 1, %d, 1, 1)", user, 1+i%7, i, e, i-e))
		}
	}
	statements := []string{
		"INSERT INTO notices (user_id, kind, subject_id, video_id, entries, newest_ms) VALUES " + strings.Join(notices, ", "),
		"INSERT INTO notice_entries (user_id, kind, subject_id, entry_id, actor_id, at_ms, present, seq) VALUES " + strings.Join(entries, ", "),
	}
	if s.IsSQLite() {
		statements = append(statements, "ANALYZE")
	} else {
		statements = append(statements, "ANALYZE TABLE notices, notice_entries")
	}
	for _, q := range statements {
		if err := s.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
}
