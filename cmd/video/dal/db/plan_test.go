package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb/sqldbtest"
)

// Every list is read from an index in its own order: no sort, no scan of a table.
func TestListPlans(t *testing.T) {
	s := New(sqldbtest.SQLite(t, "video", Migrations()))
	for name, c := range map[string]struct {
		query, index string
		args         []any
	}{
		"feed":      {feedSQL, "videos_feed", []any{1000, 30}},
		"by author": {byAuthorSQL, "videos_author", []any{1, 1000, 30}},
		"by ids":    {byIDsSQL, "PRIMARY KEY", []any{[]int64{1, 2, 3}}},
		"works":     {worksSQL, "PRIMARY KEY", []any{[]int64{1, 2, 3}}},
	} {
		var rows []struct{ Detail string }
		if err := s.db.Read.Raw("EXPLAIN QUERY PLAN "+c.query, c.args...).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		plan := fmt.Sprint(rows)
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}
