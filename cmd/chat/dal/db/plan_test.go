package db

import (
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Every list is read from an index in its own order: no sort, no scan of a table.
func TestListPlans(t *testing.T) {
	s := New(sqldbtest.SQLite(t, "chat", Migrations()))
	all := "SELECT " + sqldb.Columns[Message](s.Read, "") + " "
	last, lastArgs := lastSQL(sqldb.Columns[Message](s.Read, "m"),
		[]Key{KeyOf(5, 1), KeyOf(5, 2), KeyOf(5, 8), KeyOf(5, 9), KeyOf(3, 7), KeyOf(5, 5)})
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"latest":          {all + latestSQL(0), args(1, 2, 0, 10)},
		"after":           {all + afterSQL(0), args(1, 2, 0, 77, 10)},
		"latest from one": {all + latestSQL(2), args(1, 2, 2, 10)},
		"after from one":  {all + afterSQL(2), args(1, 2, 2, 77, 10)},
		"last of many":    {last, lastArgs},
	} {
		plan := sqldbtest.Explain(t, s.DB, c.query, c.args...)
		if !strings.Contains(plan, "PRIMARY KEY") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}
