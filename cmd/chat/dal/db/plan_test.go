package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb/sqldbtest"
)

// Every list is read from an index in its own order: no sort, no scan of a table.
func TestListPlans(t *testing.T) {
	s := New(sqldbtest.SQLite(t, "chat", Migrations()))
	last, lastArgs := lastSQL([]Key{KeyOf(5, 1), KeyOf(5, 2), KeyOf(5, 8), KeyOf(5, 9), KeyOf(3, 7), KeyOf(5, 5)})
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"latest":          {latestSQL(0), args(1, 2, 0, 10)},
		"after":           {afterSQL(0), args(1, 2, 0, 77, 10)},
		"latest from one": {latestSQL(2), args(1, 2, 2, 10)},
		"after from one":  {afterSQL(2), args(1, 2, 2, 77, 10)},
		"last of many":    {last, lastArgs},
	} {
		var rows []struct{ Detail string }
		if err := s.db.Read.Raw("EXPLAIN QUERY PLAN "+c.query, c.args...).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		plan := fmt.Sprint(rows)
		if !strings.Contains(plan, "PRIMARY KEY") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}
