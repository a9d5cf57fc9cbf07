package sqldbtest

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
)

// Explain returns the plan of a statement, a line for each of its steps: "detail=SEARCH …" on SQLite, "table=… type=… key=…" on MySQL.
func Explain(t testing.TB, db *sqldb.DB, statement string, args ...any) string {
	t.Helper()
	verb := "EXPLAIN "
	if db.IsSQLite() {
		verb = "EXPLAIN QUERY PLAN "
	}
	var steps []map[string]any
	if err := db.Write.Raw(verb+statement, args...).Scan(&steps).Error; err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for _, step := range steps {
		for _, column := range []string{"detail", "table", "type", "key", "ref", "rows", "Extra"} { // not what could have been used
			switch value := step[column].(type) {
			case nil:
			case []byte:
				fmt.Fprintf(&plan, "%s=%s ", column, value)
			default:
				fmt.Fprintf(&plan, "%s=%v ", column, value)
			}
		}
		plan.WriteByte('\n')
	}
	return plan.String()
}
