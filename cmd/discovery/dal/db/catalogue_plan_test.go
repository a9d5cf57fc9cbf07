package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What changes, purges and audits of the catalogue read is read from indexes, on both dialects, however much there is.
func TestCataloguePlans(t *testing.T) {
	sqldbtest.Each(t, "discovery", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		fillCatalogue(t, s)
		tags, tagArgs := tagKeys([]VideoTag{{"t7", 7, 7}, {"t8", 8, 8}})
		for name, c := range map[string]struct {
			query string
			args  []any
			want  string
		}{
			"newest of authors": {sqldb.UnionAll(newestOfSQL, 2), []any{3, 100, 4, 100}, "videos_author"},
			"gone":              {goneSQL, nil, "videos_gone"},
			"gone since":        {goneSinceSQL, []any{5990, 5990}, "videos_changed"},
			"old videos":        {oldVideosSQL, []any{1000, 1000}, "videos_gone"},
			"old users":         {oldUsersSQL, []any{1000, 1000}, "users_gone"},
			"follows after":     {"SELECT user_id " + s.pairsAfterSQL(followTable()), []any{20, 5, 20, 1000}, "PRIMARY"},
			"likes after":       {"SELECT user_id " + s.pairsAfterSQL(likeTable()), []any{20, 5, 20, 1000}, "PRIMARY"},
			"tags of videos":    {"SELECT tag FROM video_tags WHERE " + tags, tagArgs, "PRIMARY"},
			"counts of tags":    {wrongCountsSQL, []any{"t5", 1000}, "PRIMARY"},
			"pages of tags":     {extraPagesSQL, []any{"t5", "t5", 7, 7, 7, 1000}, "PRIMARY"},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			if !strings.Contains(plan, c.want) {
				t.Errorf("%s does not use %s:\n%s", name, c.want, plan)
			}
			for _, bad := range []string{
				"SCAN videos", "SCAN users", "SCAN likes", "SCAN follows", "SCAN video_tags", "table=videos type=ALL", "table=users type=ALL",
				"table=likes type=ALL", "table=follows type=ALL", "table=video_tags type=ALL", "table=v type=ALL", "table=likes type=index",
				"table=follows type=index",
			} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fillCatalogue stores enough rows for the optimizer to take the indexes for worth it.
func fillCatalogue(t *testing.T, s *Store) {
	t.Helper()
	rows := map[string][]string{}
	for i := 1; i <= 3000; i++ {
		gone := 0
		if i%500 == 0 {
			gone = i
		}
		rows["videos (id, author_id, title, tags, published_ms, gone_ms, changed_seq)"] = append(
			rows["videos (id, author_id, title, tags, published_ms, gone_ms, changed_seq)"],
			fmt.Sprintf("(%d, %d, 'x', 't%d', %d, %d, %d)", i, i%50, i%100, i, gone, 3000+i))
		rows["users (id, name, gone_ms, seq, changed_seq)"] = append(rows["users (id, name, gone_ms, seq, changed_seq)"],
			fmt.Sprintf("(%d, 'u%d', %d, 1, %d)", i, i, gone, i))
		rows["video_tags (tag, published_ms, video_id)"] = append(rows["video_tags (tag, published_ms, video_id)"],
			fmt.Sprintf("('t%d', %d, %d)", i%100, i, i))
		rows["likes (user_id, video_id, author_id, liked, at_ms, seq)"] = append(rows["likes (user_id, video_id, author_id, liked, at_ms, seq)"],
			fmt.Sprintf("(%d, %d, 1, 1, %d, 1)", i/50, i, i))
		rows["follows (user_id, to_user_id, following, at_ms, seq)"] = append(rows["follows (user_id, to_user_id, following, at_ms, seq)"],
			fmt.Sprintf("(%d, %d, 1, %d, 1)", i/50, i, i))
	}
	for i := range 100 {
		rows["tags (tag, videos, changed_seq)"] = append(rows["tags (tag, videos, changed_seq)"], fmt.Sprintf("('t%d', 30, %d)", i, 7000+i))
	}
	analyze := "ANALYZE"
	for into, values := range rows {
		if err := s.Write.Exec("INSERT INTO " + into + " VALUES " + strings.Join(values, ", ")).Error; err != nil {
			t.Fatal(err)
		}
	}
	if !s.IsSQLite() {
		analyze = "ANALYZE TABLE videos, users, video_tags, likes, follows, tags"
	}
	if err := s.Write.Exec(analyze).Error; err != nil {
		t.Fatal(err)
	}
}
