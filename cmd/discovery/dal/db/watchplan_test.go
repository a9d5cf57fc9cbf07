package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What a page of a history, an audit and a purge read is read from indexes, on both dialects, however much was watched.
func TestWatchPlans(t *testing.T) {
	sqldbtest.Each(t, "discovery", Migrations(), func(t *testing.T, d *sqldb.DB) {
		fillWatches(t, d)
		for name, c := range map[string]struct {
			query string
			args  []any
			want  string
		}{
			"page": {
				"SELECT video_id, at_ms " + historyPageSQL, []any{50, 5, 5000, 5000, 7, 30}, "history_list",
			},
			"seen":   {sqldb.UnionAll(historyLastSQL, 2), []any{50, 5, 100, 51, 0, 100}, "history_list"},
			"beyond": {historyBeyondSQL, []any{50, 100, 1000}, "history_list"},
			"below":  {historyBelowSQL, []any{50, 5000, 1000}, "history_list"},
			"old": {
				"SELECT video_id, session FROM watch_sessions WHERE at_ms < ? ORDER BY at_ms LIMIT ?", []any{5, 100}, "watch_sessions_at",
			},
			"sessions": {"SELECT COUNT(*) FROM watch_sessions WHERE video_id > ? AND video_id <= ? GROUP BY video_id", []any{5, 9}, "PRIMARY"},
			"days":     {"SELECT views " + authorDaysSQL, []any{5, 1, 9}, "PRIMARY"},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			if !strings.Contains(plan, c.want) {
				t.Errorf("%s does not use %s:\n%s", name, c.want, plan)
			}
			for _, bad := range []string{
				"SCAN history", "SCAN watch", "SCAN author", "filesort", "table=history type=ALL", "table=history type=index",
				"table=watch_sessions type=ALL", "table=author_days type=ALL",
			} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fillWatches stores enough rows for the optimizer to take the indexes for worth it.
func fillWatches(t *testing.T, d *sqldb.DB) {
	t.Helper()
	var history, sessions, days []string
	for n := range 3000 {
		user, video := 1+n%60, 1+n/60
		history = append(history, fmt.Sprintf("(%d, %d, %d, 1, %s)", user, video, 10*n, "FALSE"))
		sessions = append(sessions, fmt.Sprintf("(%d, %d, 's', 5000, %s, %d)", video, user, "FALSE", n))
		days = append(days, fmt.Sprintf("(%d, %d)", user, video))
	}
	for table, rows := range map[string][]string{
		"history (user_id, video_id, at_ms, watched_ms, finished)":                 history,
		"watch_sessions (video_id, user_id, session, watched_ms, finished, at_ms)": sessions,
		"author_days (author_id, day)":                                             days,
	} {
		if err := d.Write.Exec("INSERT INTO " + table + " VALUES " + strings.Join(rows, ",")).Error; err != nil {
			t.Fatal(err)
		}
	}
	statement := "ANALYZE"
	if !d.IsSQLite() {
		statement = "ANALYZE TABLE history, watch_sessions, author_days"
	}
	if err := d.Write.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
}
