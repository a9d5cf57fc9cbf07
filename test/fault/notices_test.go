package fault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	api "tiktok/cmd/api/biz/model/v1"
	"tiktok/test/harness"
)

// testNotices kills those who tell and who is told, each with the caches emptied at the same moment, and restarts the broker between them.
// The audit, with which every storm ends, finds no notice that is missing and none that is extra; here the author's are compared with the
// counters that everybody sees, too.
func testNotices(t *testing.T, d *harness.Deployment) {
	s := newStorm(t, d)
	for range max(1, rounds()/2) {
		for _, name := range []string{"notice", interaction, "social", "notice"} {
			s.more(t, before/4, stormy)
			d.Kill(t, name)
			flush(t)
			d.Revive(t, name)
		}
		s.more(t, before/4, stormy)
		s.lull(func() { server(t, "restart", "rabbitmq") })
		t.Logf("healed after %v", s.heals(t, heal))
	}
	s.more(t, after, stormy)
	s.verify(t)
	want := map[int64]int64{}
	for _, v := range s.author.Published(t, s.author.ID) {
		if v.FavoriteCount > 0 { // the author likes none of them
			want[v.ID] = v.FavoriteCount
		}
	}
	if len(want) == 0 {
		t.Error("nobody likes anything")
	}
	harness.Eventually(t, heal, func() error {
		notices, err := noticesOf(t, d, s.author)
		if err != nil {
			return err
		}
		got := map[int64]int64{}
		for _, n := range notices {
			if n.Kind == "like" {
				got[n.Video.ID] = n.Count
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("notices of likes %v, want %v", got, want)
		}
		return nil
	})
}

// noticesOf are a user's newest notices.
func noticesOf(t *testing.T, d *harness.Deployment, u *harness.User) ([]*api.Notice, error) {
	t.Helper()
	a := d.Raw(t, harness.Request{
		Method: http.MethodGet, Path: "/api/v1/notices?limit=100", Header: http.Header{"Authorization": {"Bearer " + u.Token}},
	})
	var page api.NoticePage
	if err := json.Unmarshal(a.Raw, &page); err != nil || a.Status != http.StatusOK {
		return nil, fmt.Errorf("%d %s: %w", a.Status, a.Raw, err)
	}
	return page.Items, nil
}

// pagesRead is how long a page that hears of nothing may take until it knows: it reads every 30 s.
const pagesRead = 30 * time.Second

// learnsByReading: while no hint gets through, who reads is told all the same.
func learnsByReading(t *testing.T, d *harness.Deployment) {
	t.Helper()
	ann, bob := d.NewUser(t), d.NewUser(t)
	bob.Follow(t, ann.ID)
	began := time.Now()
	harness.Eventually(t, pagesRead, func() error {
		notices, err := noticesOf(t, d, ann)
		if err == nil && (len(notices) != 1 || notices[0].Kind != "follow" || notices[0].Actors[0].ID != bob.ID) {
			err = fmt.Errorf("%d notices, want that of the follower", len(notices))
		}
		return err
	})
	t.Logf("a notice could be read after %v", time.Since(began).Round(time.Millisecond))
}
