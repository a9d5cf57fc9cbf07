package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Every list is read from an index in its own order: no sort, no scan of a table. Otherwise a page of a famous user's
// followers would cost as much as all of them.
func TestListPlans(t *testing.T) {
	sqldbtest.Each(t, "social", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		fill(t, s)
		for name, c := range map[string]struct{ query, index string }{
			"following": {followingSQL, "follows_following"},
			"followers": {followersSQL, "follows_followers"},
			"friends":   {s.listSQL(Friends), "follows_following"},
		} {
			plan := sqldbtest.Explain(t, d, c.query, int64(1), int64(1<<52), 31)
			if !strings.Contains(plan, c.index) {
				t.Errorf("%s does not use %s:\n%s", name, c.index, plan)
			}
			for _, bad := range []string{"TEMP B-TREE", "SCAN", "filesort", "temporary"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
		walk := sqldbtest.Explain(t, d, "SELECT id "+s.followsAfterSQL(), 1, 1500, 1, 1000)
		if !strings.Contains(walk, "PRIMARY") {
			t.Errorf("a walk does not use the key:\n%s", walk)
		}
		for _, bad := range []string{"TEMP B-TREE", "SCAN", "filesort", "temporary", "type=ALL", "type=index"} {
			if strings.Contains(walk, bad) {
				t.Errorf("a walk: %s:\n%s", bad, walk)
			}
		}
		for name, c := range map[string]struct {
			query string
			args  []any
		}{
			"following":       {sqldb.UnionAll(s.followedSQL(), 2), []any{1, []int64{1001, 1002}, 1003, []int64{1, 2}}},
			"first following": {sqldb.UnionAll(s.firstSQL(Following), 2), []any{1, int64(1 << 52), 501, 1003, int64(1 << 52), 501}},
			"first friends":   {sqldb.UnionAll(s.firstSQL(Friends), 2), []any{1, int64(1 << 52), 101, 1003, int64(1 << 52), 101}},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			for _, bad := range []string{"SCAN follows", "follows_followers", "filesort", "table=follows type=ALL", "table=follows type=index"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fill stores enough rows for the optimizer to take the indexes for worth it: user 1 follows 1000 and is followed by them.
func fill(t *testing.T, s *Store) {
	t.Helper()
	var rows []string
	for i := 1; i <= 1000; i++ {
		rows = append(rows, fmt.Sprintf("(1, %d, %d, 0)", 1000+i, 2*i), fmt.Sprintf("(%d, 1, %d, 0)", 1000+i, 2*i+1))
	}
	for i := 1; i <= 3000; i++ {
		rows = append(rows, fmt.Sprintf("(%d, %d, %d, 0)", 10_000+i, 5000+i%50, 10_000+i))
	}
	statement := "INSERT INTO follows (user_id, to_user_id, id, created_at_ms) VALUES " + strings.Join(rows, ", ")
	if err := s.Write.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
	analyze := "ANALYZE"
	if !s.IsSQLite() {
		analyze = "ANALYZE TABLE follows"
	}
	if err := s.Write.Exec(analyze).Error; err != nil {
		t.Fatal(err)
	}
}
