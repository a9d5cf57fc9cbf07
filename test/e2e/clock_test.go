package e2e_test

import (
	"strings"
	"testing"
	"time"

	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/test/harness"
)

// testClockSetBack: the product is down while its machine's clock is set back by an hour, so every stored id is from the
// future. Of two writes of one row the newer id decides: what is written now must count all the same, and come after what
// is there.
func testClockSetBack(t *testing.T, d *harness.Deployment) {
	ann, bob, eve := d.NewUser(t), d.NewUser(t), d.NewUser(t)
	v := ann.Publish(t, "before the clock was set back")
	bob.Like(t, v.ID)
	bob.Comment(t, v.ID, "the first")
	bob.Follow(t, ann.ID)
	bob.Send(t, ann.ID, "the first")
	d.Audit(t) // and everybody has been told
	d.Stop(t)
	now := time.Now()
	hour := id.At(now.Add(time.Hour)) - id.At(now)
	update(
		t,
		d,
		"interaction",
		"UPDATE favorites SET last_event = last_event + ?, liked_event = liked_event + ? WHERE user_id = ?",
		hour,
		hour,
		bob.ID,
	)
	update(t, d, "interaction", "UPDATE comments SET id = id + ? WHERE user_id = ?", hour, bob.ID)
	update(t, d, "social", "UPDATE follows SET id = id + ? WHERE user_id = ?", hour, bob.ID)
	update(t, d, "chat", "UPDATE messages SET id = id + ? WHERE from_user_id = ?", hour, bob.ID)
	update(t, d, "notice", "UPDATE notice_entries SET entry_id = entry_id + ? WHERE actor_id = ? AND kind = 2", hour, bob.ID)
	d.Start(t)

	bob.Unlike(t, v.ID)
	if list := bob.Favorites(t, bob.ID); len(list) != 0 {
		t.Errorf("an unlike was answered, and the list has %d videos", len(list))
	}
	if n := bob.Profile(t, bob.ID).FavoriteCount; n != 0 {
		t.Errorf("an unlike was answered, and favorite_count is %d", n)
	}
	second := bob.Comment(t, v.ID, "the second")
	if list := bob.Comments(t, v.ID); len(list) != 2 || list[0].ID != second.ID {
		t.Errorf("the newer comment is not the first of %v", list)
	}
	eve.Follow(t, ann.ID)
	if list := ann.Followers(t, ann.ID); len(list) != 2 || list[0].ID != eve.ID {
		t.Errorf("the newer follower is not the first of %v", list)
	}
	bob.Send(t, ann.ID, "the second")
	if list := bob.Chat(t, ann.ID, 0); len(list) != 2 || list[1].ID <= list[0].ID {
		t.Errorf("the newer message has not the greater id in %v", list)
	}
	if log := d.Logs(t); !strings.Contains(log, "the clock was set back") {
		t.Error("no log line says that ids run ahead of the clock")
	}
}

// update changes rows of one service behind the product's back.
func update(t *testing.T, d *harness.Deployment, service, statement string, args ...any) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), d.Config.DB, service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if q := db.Write.WithContext(t.Context()).Exec(statement, args...); q.Error != nil || q.RowsAffected != 1 {
		t.Fatalf("%s: %d rows, %v", statement, q.RowsAffected, q.Error)
	}
}
