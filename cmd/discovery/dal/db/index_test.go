package db

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// What changed is cut between numbers, whatever the limit is, and nothing is left out when read to the end.
func TestCatalogueSince(t *testing.T) {
	sqldbtest.Each(t, "discovery", Migrations(), func(t *testing.T, d *sqldb.DB) {
		s := New(d)
		var videos []Video
		var users []User
		var tags []Tag
		for i := range int64(60) {
			videos = append(videos, Video{ID: 1000 + i, AuthorID: i % 5, ChangedSeq: 1 + i*2})
			users = append(users, User{ID: i, Name: fmt.Sprint("u", i), ChangedSeq: 2 + i*2})
			tags = append(tags, Tag{Tag: fmt.Sprint("t", i), Videos: 1, ChangedSeq: 50 + i/20}) // twenty have one number
		}
		for _, rows := range []any{videos, users, tags} {
			if err := d.Write.Create(rows).Error; err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Write.Exec("UPDATE catalogue_clock SET seq = 120").Error; err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 3, 7, 100} {
			seen := map[string]int64{}
			add := func(key string, seq, after, upTo int64) {
				if seq <= after || seq > upTo || seen[key] != 0 {
					t.Fatalf("limit %d: %s with %d after %d up to %d", limit, key, seq, after, upTo)
				}
				seen[key] = seq
			}
			for after := int64(0); after < 120; {
				c, upTo, err := s.CatalogueSince(t.Context(), after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if upTo <= after {
					t.Fatalf("limit %d: it stays at %d", limit, after)
				}
				for _, v := range c.Videos {
					if want := fmt.Sprint("u", v.AuthorID); v.AuthorName != want {
						t.Fatalf("video %d is of %q", v.ID, v.AuthorName)
					}
					add(fmt.Sprint("v", v.ID), v.ChangedSeq, after, upTo)
				}
				for _, u := range c.Users {
					add(u.Name, u.ChangedSeq, after, upTo)
				}
				for _, g := range c.Tags {
					add(g.Tag, g.ChangedSeq, after, upTo)
				}
				after = upTo
			}
			if len(seen) != 180 {
				t.Errorf("limit %d: %d rows", limit, len(seen))
			}
		}
		if _, upTo, err := s.CatalogueSince(t.Context(), 500, 10); err != nil || upTo != 120 {
			t.Errorf("ahead: %d, %v", upTo, err)
		}
	})
}

// What a follower, a build and a page of hits read is read from indexes, on both dialects, however large the catalogue is.
func TestIndexPlans(t *testing.T) {
	sqldbtest.Each(t, "discovery", Migrations(), func(t *testing.T, d *sqldb.DB) {
		var videos []Video
		var users []User
		var tags []Tag
		for i := range int64(3000) {
			videos = append(videos, Video{ID: i + 1, AuthorID: i%500 + 1, PublishedMs: i, ChangedSeq: i})
			users = append(users, User{ID: i + 1, Name: fmt.Sprint("u", i), ChangedSeq: i})
			tags = append(tags, Tag{Tag: fmt.Sprint("t", i), Videos: 1, ChangedSeq: i})
		}
		for _, rows := range []any{videos, users, tags} {
			if err := d.Write.CreateInBatches(rows, 1000).Error; err != nil {
				t.Fatal(err)
			}
		}
		if !d.IsSQLite() {
			if err := d.Write.Exec("ANALYZE TABLE videos, users, tags").Error; err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range map[string]struct {
			query string
			args  []any
			want  string
		}{
			"changed videos": {changedVideosSQL, []any{2900, 3000, 100}, "videos_changed"},
			"changed users":  {changedUsersSQL, []any{2900, 3000, 100}, "users_changed"},
			"changed tags":   {changedTagsSQL, []any{2900, 3000, 100}, "tags_changed"},
			"videos after":   {videosAfterSQL, []any{1000, 100}, ""},
			"users after":    {usersAfterSQL, []any{1000, 100}, ""},
			"tags after":     {tagsAfterSQL, []any{"t1000", 100}, ""},
			"found":          {"SELECT id, title FROM videos WHERE id IN (1, 2, 3) AND gone_ms = 0", nil, ""},
		} {
			plan := sqldbtest.Explain(t, d, c.query, c.args...)
			if !strings.Contains(plan, c.want) {
				t.Errorf("%s does not use %s:\n%s", name, c.want, plan)
			}
			for _, bad := range []string{"SCAN ", "filesort", "TEMP B-TREE", "type=ALL", "type=index"} {
				if strings.Contains(plan, bad) {
					t.Errorf("%s: %s:\n%s", name, bad, plan)
				}
			}
		}
	})
}
