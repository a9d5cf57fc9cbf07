package fault_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

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
		a := d.Raw(t, harness.Request{
			Method: http.MethodGet, Path: "/api/v1/notices?limit=100", Header: http.Header{"Authorization": {"Bearer " + s.author.Token}},
		})
		var page api.NoticePage
		if err := json.Unmarshal(a.Raw, &page); err != nil || a.Status != http.StatusOK {
			return fmt.Errorf("%d %s: %w", a.Status, a.Raw, err)
		}
		got := map[int64]int64{}
		for _, n := range page.Items {
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
