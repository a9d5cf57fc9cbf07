package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Every list is read from an index in its own order: no sort, no scan of a table.
func TestListPlans(t *testing.T) {
	s := New(sqldbtest.SQLite(t, "chat", Migrations()))
	all := "SELECT " + sqldb.Columns[Message](s.Read, "m") + " "
	last, lastArgs := lastSQL([]Key{KeyOf(5, 1), KeyOf(5, 2), KeyOf(5, 8), KeyOf(5, 9), KeyOf(3, 7), KeyOf(5, 5)})
	low, high := KeyOf(1, 2).side(1), KeyOf(1, 2).side(2)
	for name, c := range map[string]struct {
		query string
		args  []any
	}{
		"latest":          {all + listSQL(low, 0, latest), listArgs(1, 2, 0, 10)},
		"after":           {all + listSQL(low, 0, after), listArgs(1, 2, 0, 77, 10)},
		"before":          {all + listSQL(high, 0, before), listArgs(1, 2, 0, 77, 10)},
		"latest from one": {all + listSQL(high, 2, latest), listArgs(1, 2, 2, 10)},
		"after from one":  {all + listSQL(low, 2, after), listArgs(1, 2, 2, 77, 10)},
		"before from one": {all + listSQL(low, 2, before), listArgs(1, 2, 2, 77, 10)},
		"last of many":    {last, lastArgs},
		"left":            {leftSQL(low), []any{1, 2, 5, 9}},
	} {
		plan := sqldbtest.Explain(t, s.DB, c.query, c.args...)
		if !strings.Contains(plan, "PRIMARY KEY") || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "SCAN") {
			t.Errorf("%s: %s", name, plan)
		}
	}
}

// What a user sees of their conversations is read from indexes too, on both dialects, however many there are.
func TestConversationPlans(t *testing.T) {
	sqldbtest.Each(t, "chat", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		fillConversations(t, s)
		page, pageArgs := pageSQL(5000, Place{1 << 40, 1}, 30)
		all, side := "SELECT "+sqldb.Columns[Message](s.Read, "m")+" ", KeyOf(4001, 5000).side(5000)
		last, lastArgs := lastSQL([]Key{KeyOf(5000, 4001), KeyOf(5000, 4002), KeyOf(5000, 5001)})
		lock, lockArgs := lockSQL([]Key{{1, 5000}, {2, 5000}, {5000, 5001}})
		for name, c := range map[string]struct {
			query string
			args  []any
			want  []string
		}{
			"page":        {page, pageArgs, []string{"conversations_low_newest", "conversations_high_newest"}},
			"unread":      {sqldb.UnionAll(unreadSQL, 2), []any{0, 1, 5000, 5, 9, 1, 100, 1, 2, 5000, 5, 9, 1, 100}, []string{"PRIMARY"}},
			"with unread": {withUnreadSQL, []any{5000, 100}, []string{"conversations_unread"}},
			"stale":       {staleSQL, []any{100}, []string{"conversations_stale"}},
			"lock":        {"SELECT low_id, high_id, counted_ms " + lock, lockArgs, []string{"PRIMARY"}},
			"newest":      {sqldb.UnionAll(newestSQL, 2), []any{1, 5000, 9, 101, 2, 5000, 9, 101}, []string{"PRIMARY"}},
			"latest":      {all + listSQL(side, 0, latest), listArgs(4001, 5000, 0, 10), []string{"PRIMARY"}},
			"after":       {all + listSQL(side, 1, after), listArgs(4001, 5000, 1, 77, 10), []string{"PRIMARY"}},
			"before":      {all + listSQL(side, 0, before), listArgs(4001, 5000, 0, 77, 10), []string{"PRIMARY"}},
			"left":        {leftSQL(side), []any{4001, 5000, 5, 9}, []string{"PRIMARY"}},
			"last":        {last, lastArgs, []string{"PRIMARY"}},
			"mark":        {s.markSQL(side), []any{9, 9, 9, 1, 5000, 5000, 9}, []string{"PRIMARY"}},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			for _, index := range c.want {
				if !strings.Contains(plan, index) {
					t.Errorf("%s does not use %s:\n%s", name, index, plan)
				}
			}
			for _, bad := range []string{
				"SCAN conversations", "SCAN messages", "filesort", "table=conversations type=ALL",
				"table=conversations type=index", "table=messages type=ALL", "table=m type=ALL", "table=m type=index",
				"table=l type=ALL", "table=h type=ALL", "TEMP B-TREE FOR ORDER BY m",
			} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}

// fillConversations stores enough rows for the optimizer to take the indexes for worth it: user 5000 has 2000 conversations.
func fillConversations(t *testing.T, s *Store) {
	t.Helper()
	var conversations, messages []string
	for i := 1; i <= 5000; i++ {
		low, high := 4000+i, 5000
		switch {
		case i == 1000:
			continue
		case i > 1000 && i <= 2000:
			low, high = high, low
		case i > 2000:
			low, high = 10_000+i, 20_000+i
		}
		conversations = append(conversations, fmt.Sprintf("(%d, %d, %d, %d, 0, %d)", low, high, i, high*(i%2), i))
		messages = append(messages, fmt.Sprintf("(%d, %d, %d, %d, %d, 'x')", low, high, i, i, low))
	}
	statements := []string{
		"INSERT INTO conversations (low_id, high_id, last_at_ms, unread_id, read_ms, counted_ms) VALUES " + strings.Join(conversations, ", "),
		"INSERT INTO messages (low_id, high_id, created_at_ms, id, from_user_id, content) VALUES " + strings.Join(messages, ", "),
	}
	if s.IsSQLite() {
		statements = append(statements, "ANALYZE")
	} else {
		statements = append(statements, "ANALYZE TABLE conversations, messages")
	}
	for _, q := range statements {
		if err := s.Write.Exec(q).Error; err != nil {
			t.Fatal(err)
		}
	}
}
