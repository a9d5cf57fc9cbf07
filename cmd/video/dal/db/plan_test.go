package db

import (
	"errors"
	"fmt"
	"slices"
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
		video := "SELECT " + sqldb.Columns[Video](s.Read, "") + " "
		media := "SELECT " + sqldb.Columns[Media](s.Read, "") + " "
		for name, c := range map[string]struct {
			query   string
			indexes string
			args    []any
		}{
			"feed":      {video + feedSQL, "videos_feed", []any{1000, 30}},
			"by author": {video + byAuthorSQL, "videos_author", []any{1, 1000, 30}},
			"after":     {video + videosAfterSQL, "PRIMARY", []any{1500, 1000}},
			"by ids":    {video + byIDsSQL, "PRIMARY", []any{ids}},
			"works":     {"SELECT author_id, work_count " + worksSQL, "PRIMARY", []any{ids}},
			"storage":   {"SELECT stored_bytes " + storageSQL, "PRIMARY", []any{1}},
			"give back": {giveBackSQL, "PRIMARY", []any{1, 1}},
			"uploads":   {media + uploadsSQL, "video_media_author", []any{1, 200}},
			"due":       {media + dueSQL, "video_media_due", []any{LaneImprove, 1000, 8}},
			"turn":      {media + turnSQL, "video_media_turn", []any{LaneImprove, 1000, 7, 8}},
			"held":      {media + heldSQL, "video_media_held", []any{LaneImprove, 1000, 7, 8}},
			"lane turn": {laneTurnSQL, "PRIMARY", []any{LaneImprove, 0}},
			"advance":   {advanceSQL, "PRIMARY", []any{1, LaneImprove, 1}},
			"lacking":   {lackingSQL, "video_media_plan", []any{plansWithout(allSteps), 30}},
			"backfill":  {backfillSQL, "PRIMARY", []any{12, 12, LaneBackfill, StateUploaded, 1, ids, 0}},
			"waiting":   {waitingSQL, "video_media_due", []any{[]int{1, 2, 3, 4, 5}}},
			"named":     {namedSQL, "videos_play videos_cover video_media_source video_media_cover", []any{keys, keys, keys, keys}},
			"made":      {madeSQL, "PRIMARY", []any{ids}},
			"claim":     {claimSQL, "PRIMARY|video_media_due", []any{"t", 1, StateProcessing, 1, "", 1, LaneImprove, 1, StateUploaded}},
			"expired":   {media + "FROM video_media WHERE " + expiredSQL + " ORDER BY due_ms", "video_media_due", []any{LaneNone, 1000}},
			"expire":    {expireSQL, "PRIMARY", []any{StateDeleting, LaneDelete, 1, ids}},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			for _, index := range strings.Fields(c.indexes) {
				if !slices.ContainsFunc(strings.Split(index, "|"), func(one string) bool { return strings.Contains(plan, one) }) {
					t.Errorf("%s does not use %s:\n%s", name, index, plan)
				}
			}
			for _, bad := range []string{"TEMP B-TREE", "SCAN v", "SCAN m", "SCAN a", "filesort", "Using temporary", "type=ALL"} {
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
	var videos []Video
	var rows []Media
	for i := int64(1); i <= 3000; i++ {
		play, cover := fmt.Sprintf("videos/%d.mp4", i), fmt.Sprintf("covers/%d.jpg", i)
		videos = append(videos, Video{ID: i, AuthorID: i % 50, Title: "t", PlayKey: play, CoverKey: cover, PublishedAtMs: i})
		m := Media{
			VideoID: i, AuthorID: i % 50, Title: "t", State: StateProcessing, Listed: 1, Plan: 12, Todo: int(i % 16), Lane: LaneNone, DueMs: Never,
			Hold: int(i / 10 % 2), Turn: i, SourceKey: play, CoverKey: cover, CreatedAtMs: i,
		}
		if i%10 == 0 {
			m.Lane, m.DueMs, m.Pending = int(1+i%3), i, 1
		}
		rows = append(rows, m)
	}
	statements := []string{
		"INSERT INTO author_storage (author_id, stored_bytes, day_bytes, day_at_ms) SELECT author_id, COUNT(*), 0, 0 FROM videos GROUP BY " +
			"author_id",
		"INSERT INTO author_stats (author_id, work_count) SELECT author_id, COUNT(*) FROM videos GROUP BY author_id",
	}
	if s.IsSQLite() {
		statements = append(statements, "ANALYZE")
	} else {
		statements = append(statements, "ANALYZE TABLE videos, video_media, author_stats, author_storage")
	}
	if err := errors.Join(s.Write.CreateInBatches(videos, 500).Error, s.Write.CreateInBatches(rows, 500).Error); err != nil {
		t.Fatal(err)
	}
	for _, q := range statements {
		if err := s.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
}
