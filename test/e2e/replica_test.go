package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/test/harness"
)

// TestReadReplica: with a replica that stays three seconds behind, everybody sees their own writes and every cache holds what is true; only
// pages of others behind the first are as old as the replica. When it dies nobody notices.
func TestReadReplica(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two servers and eight processes")
	}
	primary := sqldbtest.StartServer(t, sqldbtest.PrimaryArgs()...)
	replica := sqldbtest.StartReplica(t, primary, 3)
	d := harness.Distributed(t, harness.Set("db.addr", primary.Addr), harness.Set("db.user", "root"), harness.Set("db.password", ""),
		harness.Set("db.read_addr", replica.Addr))
	testLife(t, d)
	d.Audit(t)

	// The second page of comments, of one each.
	ann, visitor := d.NewUser(t), d.Visitor()
	video := ann.Publish(t, "sea")
	var ids []int64
	for i := range 4 {
		ids = append(ids, ann.Comment(t, video.ID, fmt.Sprint("comment ", i)).ID)
	}
	second := func(u *harness.User) (id int64, err error) {
		var page struct {
			Items []struct {
				ID int64 `json:"id"`
			} `json:"items"`
			Next string `json:"next_cursor"`
		}
		for _, query := range []url.Values{{"limit": {"1"}}, {"limit": {"1"}, "cursor": {""}}} {
			if query.Has("cursor") {
				query.Set("cursor", page.Next)
			}
			a, err := u.V1(t.Context(), http.MethodGet, fmt.Sprintf("/videos/%d/comments", video.ID), query, nil)
			if err == nil {
				err = a.Into(http.StatusOK, &page)
			}
			if err != nil || len(page.Items) != 1 {
				return 0, errors.Join(err, fmt.Errorf("%d comments", len(page.Items)))
			}
		}
		return page.Items[0].ID, nil
	}
	expect := func(who string, u *harness.User, want int64) func() error {
		return func() error {
			if got, err := second(u); got != want {
				return fmt.Errorf("%s sees %d, want %d (of %v), %v", who, got, want, ids, err)
			}
			return nil
		}
	}
	harness.Eventually(t, 20*time.Second, expect("a visitor", visitor, ids[2]))
	replica.Exec(t, "STOP SLAVE SQL_THREAD")
	ann.DeleteComment(t, video.ID, ids[2])
	if err := expect("who has deleted it", ann, ids[1])(); err != nil {
		t.Error(err)
	}
	if err := expect("a visitor, from the replica", visitor, ids[2])(); err != nil {
		t.Error(err)
	}
	harness.Eventually(t, 30*time.Second, expect("a visitor, once the replica is too far behind", visitor, ids[1]))
	replica.Exec(t, "START SLAVE SQL_THREAD")
	replica.Kill()
	for range 50 {
		if err := expect("a visitor, without a replica", visitor, ids[1])(); err != nil {
			t.Fatal(err)
		}
	}
	d.Audit(t)
}
