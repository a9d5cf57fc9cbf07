package services_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	discoverydb "tiktok/cmd/discovery/dal/db"
	interactiondb "tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/services"
	socialdb "tiktok/cmd/social/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// The audit finds what the catalogue lacks, what it has without a reason, what it shows otherwise, and wrong tags; the repair makes all
// right, from nothing, too.
func TestDiscoveryAudit(t *testing.T) {
	for dialect, open := range map[string]func(name string) *sqldb.DB{
		sqldb.SQLite: func(name string) *sqldb.DB {
			s, _ := services.Find(name)
			return sqldbtest.SQLite(t, name, s.Migrations())
		},
		sqldb.MySQL: func(name string) *sqldb.DB {
			s, _ := services.Find(name)
			return sqldbtest.MySQL(t, name, s.Migrations())
		},
	} {
		t.Run(dialect, func(t *testing.T) {
			schemas := services.Schemas{}
			for _, name := range []string{"user", "interaction", "social", "video", "discovery"} {
				schemas[name] = open(name)
			}
			spec, _ := services.Find("discovery")
			auditor := spec.Audit(schemas, nil)
			services.SettleAtOnce(auditor)
			audit := func(want int, words ...string) {
				t.Helper()
				var lines []string
				n, err := auditor.Audit(t.Context(), func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) })
				all := strings.Join(lines, "\n")
				if n != want || err != nil {
					t.Errorf("%d differ, %v; want %d:\n%s", n, err, want, strings.Join(lines[:min(20, len(lines))], "\n"))
				}
				for _, w := range words {
					if !strings.Contains(all, w) {
						t.Errorf("not said: %q in\n%s", w, strings.Join(lines[:min(20, len(lines))], "\n"))
					}
				}
			}
			repair := func(want int) {
				t.Helper()
				n, err := auditor.(services.Repairer).Repair(t.Context(), func(string, ...any) {})
				if err != nil || n != want {
					t.Errorf("%d repaired, %v; want %d", n, err, want)
				}
			}
			set := func(query string, args ...any) {
				t.Helper()
				r := schemas["discovery"].Write.Exec(query, args...)
				if r.Error != nil || r.RowsAffected == 0 {
					t.Fatalf("%s: %d rows, %v", query, r.RowsAffected, r.Error)
				}
			}
			nowMs := time.Now().UnixMilli()
			wanted := fillCatalogueWorld(t, schemas, nowMs)
			audit(0, "videos are not compared: the catalogue is being filled")
			set("UPDATE backfills SET done_ms = 1")
			audit(wanted, "users: 1 is missing", "likes: 1001 of user 50 is missing")
			repair(wanted)
			audit(0)
			repair(0)
			if n, err := auditor.Counters(t.Context()); err != nil || n < int64(wanted)/2 {
				t.Errorf("%d counters, %v", n, err)
			}

			set("UPDATE users SET shown_name = 'x' WHERE id = 3")
			set("UPDATE videos SET gone_ms = 5 WHERE id = 1003")               // with its two tags, which are extra then
			set("UPDATE videos SET title = 'x #other' WHERE id = 1004")        // its tags are as they were
			set("DELETE FROM likes WHERE user_id = 30 AND video_id = ?", 1000) // and a day of its author
			set("UPDATE follows SET following = ? WHERE user_id = 10 AND to_user_id = 1", false)
			set("UPDATE tags SET videos = videos + 1 WHERE tag = 'all'")
			create(t, schemas["discovery"], []discoverydb.Follow{{UserID: 9999, ToUserID: 1, Following: true, AtMs: 7, Seq: 3}})
			create(t, schemas["discovery"], []discoverydb.Like{{UserID: 9999, VideoID: 1001, AuthorID: 2, Liked: true, AtMs: nowMs}})
			create(t, schemas["discovery"], []discoverydb.User{{ID: 77777, Name: "x", ChangedSeq: 1e9}})
			create(t, schemas["discovery"], []discoverydb.Video{{ID: 777, AuthorID: 1, PublishedMs: 5, Tags: "none", ChangedSeq: 1e9}})
			// 9 rows; the extra video lacks its tag, 1003 has two too many, and one count is wrong
			audit(13, "users: 3 is", `want "user3"`, "videos: 1003 is missing", "videos: 1004 is", "videos: 777 is extra", "users: 77777 is extra",
				"follows: 1 of user 10 is missing", "follows: 1 of user 9999 is extra", "likes: 1001 of user 9999 is extra",
				`tag "all" has the count`, `tag "none": video 777`)
			if n, err := auditor.(services.Repairer).Repair(t.Context(), func(string, ...any) {}); err != nil || n < 9 {
				t.Errorf("%d repaired, %v", n, err)
			}
			audit(0)
			repair(0)
			set("DELETE FROM video_tags WHERE video_id = 1005")
			create(t, schemas["discovery"], []discoverydb.VideoTag{{Tag: "all", PublishedMs: 3, VideoID: 5}})
			audit(4, `tag "t5": video 1005`, `tag "all": video 1005`, `tag "all": video 5`, `tag "t5" has the count`)
			if _, err := auditor.(services.Repairer).Repair(t.Context(), func(string, ...any) {}); err != nil {
				t.Error(err)
			}
			audit(0)
		})
	}
}

// fillCatalogueWorld stores what a catalogue is made of, and returns of how many rows.
func fillCatalogueWorld(t *testing.T, s services.Schemas, nowMs int64) (wanted int) {
	t.Helper()
	var users []map[string]any
	for i := int64(1); i <= 1200; i++ {
		users = append(users, map[string]any{
			"id": i, "username": fmt.Sprint("user", i), "display_name": "", "password_hash": "x", "avatar_key": "", "background_key": "",
			"signature": "", "created_at_ms": nowMs,
		})
	}
	if err := s["user"].Write.Table("users").CreateInBatches(users, 500).Error; err != nil {
		t.Fatal(err)
	}
	var videos []videodb.Video
	for i := range int64(1100) {
		videos = append(videos, videodb.Video{
			ID: 1000 + i, AuthorID: 1 + i%7, PublishedAtMs: nowMs - i, Title: fmt.Sprintf("video #all #t%d", i),
			PlayKey: fmt.Sprint("p", i), CoverKey: fmt.Sprint("c", i),
		})
	}
	create(t, s["video"], videos)
	var likes []interactiondb.Favorite
	for i := range int64(2500) {
		began := id.At(time.UnixMilli(nowMs - i))
		likes = append(likes, interactiondb.Favorite{
			UserID: 1 + i/50, VideoID: 1000 + i%50, AuthorID: 1 + i%50%7, Liked: i%5 != 4, LastEvent: began, LikedEvent: began,
		})
		if i%5 != 4 {
			wanted++
		}
	}
	for i := range int64(50) { // of long ago: it does not matter whether they are there
		began := id.At(time.UnixMilli(nowMs).Add(-100*24*time.Hour)) + i
		likes = append(likes, interactiondb.Favorite{
			UserID: 500, VideoID: 1000 + i, AuthorID: 1 + i%7, Liked: true, LastEvent: began, LikedEvent: began,
		})
	}
	create(t, s["interaction"], likes)
	var follows []socialdb.Follow
	for i := range int64(1300) {
		follows = append(follows, socialdb.Follow{UserID: 10 + i%650, ToUserID: 1 + i/650, ID: i + 1, CreatedAtMs: nowMs - i})
	}
	create(t, s["social"], follows)
	return wanted + len(users) + len(videos) + len(follows)
}
