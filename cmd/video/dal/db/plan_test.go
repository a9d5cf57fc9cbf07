package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Every statement that does not name a row by its id is served by an index, in the index's order: no sort, no scan of a
// table. Otherwise it would cost more with every video that was ever published.
func TestPlans(t *testing.T) {
	sqldbtest.Each(t, "video", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		fill(t, s)
		keys := []string{"videos/1.mp4", "videos/2.mp4", "covers/3.jpg"}
		ids := []int64{1, 2, 3}
		for name, c := range map[string]struct {
			query   string
			indexes string
			args    []any
		}{
			"feed":      {feedSQL, "videos_feed", []any{1000, 30}},
			"by author": {byAuthorSQL, "videos_author", []any{1, 1000, 30}},
			"by ids":    {byIDsSQL, "PRIMARY", []any{ids}},
			"works":     {worksSQL, "PRIMARY", []any{ids}},
			"storage":   {storageSQL, "PRIMARY", []any{1}},
			"give back": {giveBackSQL, "PRIMARY", []any{1, 1}},
			"uploads":   {uploadsSQL, "video_media_author", []any{1, 200}},
			"due":       {dueSQL, "video_media_due", []any{LaneImprove, 1000, 8}},
			"turn":      {turnSQL, "video_media_turn", []any{LaneImprove, 1000, 7, 8}},
			"held":      {heldSQL, "video_media_held", []any{LaneImprove, 1000, 7, 8}},
			"lane turn": {laneTurnSQL, "PRIMARY", []any{LaneImprove, 0}},
			"advance":   {advanceSQL, "PRIMARY", []any{1, LaneImprove, 1}},
			"lacking":   {lackingSQL, "video_media_plan", []any{plansWithout(allSteps), 30}},
			"backfill":  {backfillSQL, "PRIMARY", []any{12, 12, LaneBackfill, StateUploaded, 1, ids, 0}},
			"waiting":   {waitingSQL, "video_media_due", []any{[]int{1, 2, 3, 4, 5}}},
			"named":     {namedSQL, "videos_play videos_cover video_media_source video_media_cover", []any{keys, keys, keys, keys}},
			"made":      {madeSQL, "PRIMARY", []any{ids}},
			"claim":     {claimSQL, "PRIMARY", []any{"t", 1, StateProcessing, 1, "", 1, LaneImprove, 1}},
			"expire":    {expireSQL, "video_media_due", []any{StateDeleting, LaneDelete, LaneNone, 1000}},
		} {
			plan := explain(t, s, c.query, c.args...)
			for _, index := range strings.Fields(c.indexes) {
				if !strings.Contains(plan, index) {
					t.Errorf("%s does not use %s:\n%s", name, index, plan)
				}
			}
			for _, bad := range []string{"TEMP B-TREE", "SCAN v", "SCAN m", "SCAN a", "filesort", "Using temporary", "| ALL |"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fill stores enough rows for the optimizer to take the indexes for worth it.
func fill(t *testing.T, s *Store) {
	t.Helper()
	var videos, rows []string
	for i := 1; i <= 3000; i++ {
		lane, due, pending := LaneNone, int64(Never), 0
		if i%10 == 0 {
			lane, due, pending = 1+i%3, int64(i), 1
		}
		videos = append(videos, fmt.Sprintf("(%d, %d, 't', 'videos/%d.mp4', 'covers/%d.jpg', %d, 1, 1, 1, 1)", i, i%50, i, i, i))
		rows = append(rows, fmt.Sprintf("(%d, %d, 't', 2, 1, %d, '', 0, %d, 12, %d, %d, '', %d, %d, 0, 'videos/%d.mp4', 'covers/%d.jpg', 1, 1, 1, 1, 1, 0, '', '', %d)",
			i, i%50, pending, i%16, lane, due, i/10%2, i, i, i, i))
	}
	statements := []string{
		"INSERT INTO videos (id, author_id, title, play_key, cover_key, published_at_ms, duration_ms, size_bytes, width_px, height_px) VALUES " + strings.Join(videos, ", "),
		"INSERT INTO video_media (" + mediaColumns + ") VALUES " + strings.Join(rows, ", "),
		"INSERT INTO author_storage (author_id, stored_bytes, day_bytes, day_at_ms) SELECT author_id, COUNT(*), 0, 0 FROM videos GROUP BY author_id",
		"INSERT INTO author_stats (author_id, work_count) SELECT author_id, COUNT(*) FROM videos GROUP BY author_id",
	}
	if s.sqlite() {
		statements = append(statements, "ANALYZE")
	} else {
		statements = append(statements, "ANALYZE TABLE videos, video_media, author_stats, author_storage")
	}
	for _, q := range statements {
		if err := s.db.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// explain returns the plan as text, one line a row, columns between bars.
func explain(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	verb := "EXPLAIN "
	if s.sqlite() {
		verb = "EXPLAIN QUERY PLAN "
	}
	rows, err := s.db.Write.Raw(verb+query, args...).Rows()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&out, "| %v ", v)
		}
		out.WriteString("|\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
