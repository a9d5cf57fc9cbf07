package service

import (
	"testing"
	"time"

	"tiktok/cmd/discovery/dal/db"
)

// A purge removes what ended long ago, and nothing that anybody sees, but likes of long ago.
func TestPurge(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		for range 1500 {
			f.step()
		}
		f.applied(t, f.sent...)
		purge := func() int64 {
			t.Helper()
			n, err := f.purgeOnce(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := purge(); n != 0 {
			t.Errorf("%d rows are removed before the catalogue is filled", n)
		}
		if err := f.fillOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.at = f.at.Add(purgeAfterFill)
		if n := purge(); n != 0 {
			t.Errorf("%d young rows are removed", n)
		}
		f.at = f.at.Add(purgeAge)
		if n := purge(); n == 0 {
			t.Error("nothing is removed")
		}
		f.check(t, f.store, f.settings.HalfLife)
		var left int64
		const query = `SELECT (SELECT COUNT(*) FROM likes WHERE liked = ?) + (SELECT COUNT(*) FROM follows WHERE following = ?) +
			(SELECT COUNT(*) FROM videos WHERE gone_ms > 0) + (SELECT COUNT(*) FROM tags WHERE videos = 0)`
		if err := f.sql.Read.Raw(query, false, false).Scan(&left).Error; err != nil || left != 0 {
			t.Errorf("%d rows of what ended are left, %v", left, err)
		}
		p, err := f.store.PurgePosition(t.Context())
		if err != nil || p.RemovedSeq == 0 || p.RemovedSeq > p.SeenSeq {
			t.Errorf("%+v, %v", p, err)
		}
		if n := purge(); n != 0 {
			t.Errorf("a second purge removes %d", n)
		}
		var likes int64
		if err := f.sql.Read.Model(&db.Like{}).Count(&likes).Error; err != nil || likes == 0 {
			t.Fatalf("%d likes, %v", likes, err)
		}
		f.at = f.at.Add(time.Duration(f.settings.SignalDays) * 24 * time.Hour)
		if n := purge(); n != likes {
			t.Errorf("%d of %d old likes are removed", n, likes)
		}
		var days, want int64
		for range f.likes {
			want++
		}
		if err := f.sql.Read.Raw("SELECT SUM(likes) FROM author_days").Scan(&days).Error; err != nil || days != want {
			t.Errorf("authors have %d likes in their statistics, want %d, %v", days, want, err)
		}
	})
}

// Tags that nobody has any more stay for a day, so that an index sees that they are gone.
func TestPurgeTags(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		author := f.register()
		f.remove(f.publish(author, "#a", "#b"))
		kept := f.publish(author, "#b")
		f.applied(t, f.sent[:2]...)
		if err := f.fillOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.at = f.at.Add(purgeAfterFill)
		purge := func(want ...string) {
			t.Helper()
			if _, err := f.purgeOnce(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := f.sql.Read.Raw("SELECT tag FROM tags WHERE tag IN ('a', 'b') ORDER BY tag").Scan(&got).Error; err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
				t.Errorf("tags %q, want %q", got, want)
			}
		}
		purge("a", "b")
		f.applied(t, f.sent[2]) // the video goes, and its tags
		purge("a", "b")
		purge("b")
		f.remove(kept)
		f.applied(t, f.sent...)
		purge("b")
		purge()
	})
}
