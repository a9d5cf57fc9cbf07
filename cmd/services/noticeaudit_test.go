package services_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	interactiondb "tiktok/cmd/interaction/dal/db"
	noticedb "tiktok/cmd/notice/dal/db"
	"tiktok/cmd/services"
	socialdb "tiktok/cmd/social/dal/db"
	videodb "tiktok/cmd/video/dal/db"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// create stores rows of another service, as they would be there.
func create(t *testing.T, db *sqldb.DB, rows any) {
	t.Helper()
	if err := db.Write.CreateInBatches(rows, 500).Error; err != nil {
		t.Fatal(err)
	}
}

// The audit finds each notice that is missing, each that is there without a reason, and each wrong count; the repair makes all right,
// from nothing, too. What happened before there were notices is not missed.
func TestNoticeAudit(t *testing.T) {
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
			for _, name := range []string{"interaction", "social", "video", "notice"} {
				schemas[name] = open(name)
			}
			spec, _ := services.Find("notice")
			auditor := spec.Audit(schemas, nil)
			var lines []string
			audit := func(want int, words string) {
				t.Helper()
				lines = nil
				n, err := auditor.Audit(t.Context(), func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) })
				if n != want || err != nil || len(lines) != n || words != "" && !strings.Contains(strings.Join(lines, "\n"), words) {
					t.Errorf("%d differ, %v; want %d, with %q:\n%s", n, err, want, words, strings.Join(lines[:min(20, len(lines))], "\n"))
				}
			}
			repair := func(want int) {
				t.Helper()
				n, err := auditor.(services.Repairer).Repair(t.Context(), func(string, ...any) {})
				if err != nil || want >= 0 && n != want {
					t.Errorf("%d repaired, %v; want %d", n, err, want)
				}
			}
			now := time.Now()
			wanted := fillWorld(t, schemas, now.UnixMilli())
			if wanted < 5000 {
				t.Fatalf("only %d entries are wanted", wanted)
			}
			set := func(query string, args ...any) {
				t.Helper()
				r := schemas["notice"].Write.Exec(query, args...)
				if r.Error != nil || r.RowsAffected == 0 {
					t.Fatalf("%s: %d rows, %v", query, r.RowsAffected, r.Error)
				}
			}
			set("UPDATE notice_epoch SET since_ms = ?", now.Add(time.Hour).UnixMilli())
			audit(0, "")
			set("UPDATE notice_epoch SET since_ms = 0")
			audit(wanted, "is missing")
			repair(-1)
			audit(0, "")
			repair(0)

			entry := "user_id = 1 AND kind = 1 AND subject_id = 100 AND entry_id = 1001"
			set("UPDATE notice_entries SET present = ? WHERE "+entry, false)
			audit(2, "entry 1001 by 1001 is missing")
			repair(-1)
			audit(0, "")
			set("UPDATE notice_entries SET at_ms = 5 WHERE " + entry)
			audit(1, "entry 1001 is by 1001 at 5")
			repair(-1)
			set("UPDATE notices SET entries = entries + 1, newest_ms = 77 WHERE user_id = 1 AND kind = 1 AND subject_id = 100")
			audit(1, "and the time 77, its entries say")
			repair(1)
			audit(0, "")
			for kind, subject := range map[int]int64{
				noticedb.KindLike: 100, noticedb.KindComment: 100, noticedb.KindReply: 9, noticedb.KindMention: 100, noticedb.KindFollow: 0,
				noticedb.KindCommentLike: 9, noticedb.KindUpload: 101,
			} {
				key := noticedb.Key{UserID: 7, Kind: kind, SubjectID: subject}
				create(t, schemas["notice"], []noticedb.Entry{{Key: key, EntryID: 4_000_000, Present: true, AtMs: 8, Seq: 9}})
			}
			audit(14, "entry 4000000 is extra") // and there are no rows of such notices
			repair(-1)
			audit(0, "")
		})
	}
}

// fillWorld stores what many notices are made of, and returns of how many entries.
func fillWorld(t *testing.T, s services.Schemas, nowMs int64) (wanted int) {
	t.Helper()
	began := func(i int64) int64 { return id.At(time.UnixMilli(nowMs - i)) }
	var videos []videodb.Video
	var media []videodb.Media
	for i := range int64(50) {
		v := videodb.Video{ID: 100 + i, AuthorID: 1 + i%5, PublishedAtMs: nowMs - i, Title: "t"}
		if i%10 == 0 {
			v.Mentions, wanted = "20,21", wanted+2
		}
		videos = append(videos, v)
		m := videodb.Media{VideoID: v.ID, AuthorID: v.AuthorID, State: videodb.StateReady, Listed: 1, CreatedAtMs: nowMs}
		switch i % 5 {
		case 0:
			m.Plan, wanted = videodb.StepTranscode, wanted+1
		case 1:
			m.State, m.Pending, m.Reason, wanted = videodb.StateFailed, 1, "no sound", wanted+1
		case 2:
			m.State, m.Plan = videodb.StateProcessing, videodb.StepTranscode
		}
		media = append(media, m)
	}
	create(t, s["video"], videos)
	create(t, s["video"], media)
	var likes []interactiondb.Favorite
	for i := range int64(4000) { // 80 of each video
		l := interactiondb.Favorite{
			UserID: 1000 + i/50, VideoID: 100 + i%50, AuthorID: 1 + i%50%5, Liked: i%3 != 1, LastEvent: began(i), LikedEvent: began(i),
		}
		likes = append(likes, l)
		if l.Liked {
			wanted++
		}
	}
	likes = append(likes, interactiondb.Favorite{UserID: 1, VideoID: 100, AuthorID: 1, Liked: true, LastEvent: 1, LikedEvent: 1}) // their own
	rand.Shuffle(len(likes), func(i, j int) { likes[i], likes[j] = likes[j], likes[i] })
	create(t, s["interaction"], likes)
	var comments []interactiondb.Comment
	for i := range int64(1500) {
		c := interactiondb.Comment{
			ID: 10_000 + i, VideoID: 100 + i%50, AuthorID: 1 + i%50%5, UserID: 2000 + i, CreatedAtMs: nowMs - i, Deleted: i%4 == 1,
		}
		told := 1
		switch i % 3 {
		case 1:
			c.Mentions, told = fmt.Sprint(c.AuthorID, ",", 30+i), 2
		case 2:
			c.RootID, c.ReplyToID, c.ReplyToUserID, told = c.ID-2, c.ID-2, c.UserID-2, 2
		}
		if !c.Deleted {
			wanted += told
		}
		comments = append(comments, c)
	}
	comments = append(comments, interactiondb.Comment{ID: 50_000, VideoID: 100, UserID: 5, CreatedAtMs: nowMs}) // of before authors were noted
	create(t, s["interaction"], comments)
	var liked []interactiondb.CommentLike
	for i := range int64(2000) {
		l := interactiondb.CommentLike{
			UserID: 3000 + i%40, CommentID: 10_000 + i/40, VideoID: 100, Liked: i%2 == 0, LastEvent: began(i), LikedEvent: began(i),
		}
		if l.Liked && !comments[i/40].Deleted {
			wanted++
		}
		liked = append(liked, l)
	}
	create(t, s["interaction"], liked)
	var follows []socialdb.Follow
	for i := range int64(1500) {
		follows = append(follows, socialdb.Follow{UserID: 10 + i%300, ToUserID: 1 + i/300, ID: i + 1, CreatedAtMs: nowMs - i})
	}
	slices.Reverse(follows)
	create(t, s["social"], follows)
	return wanted + len(follows)
}
