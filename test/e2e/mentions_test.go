package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	api "tiktok/cmd/api/biz/model/v1"
	"tiktok/test/harness"
)

// Comments are stored while the service that knows names is killed, without mentions, and nobody's notices are lost while the service that
// keeps them is.
func TestMentionsAndNoticesWithoutServices(t *testing.T) {
	d := harness.Distributed(t, harness.WithoutLimits())
	people := d.People(t, 2)
	ann, bob := people[0], people[1]
	video := bob.Publish(t, "by "+bob.Name)
	path := fmt.Sprintf("/videos/%d/comments", video.ID)
	say := func() (c api.Comment) {
		t.Helper()
		read(t, v1(t, d, ann, http.MethodPost, path, fmt.Sprintf(`{"content":"look, @%s"}`, bob.Name), 201), &c)
		return c
	}
	notices := func(want int64) {
		t.Helper()
		harness.Eventually(t, 20*time.Second, func() error {
			var page api.NoticePage
			read(t, v1(t, d, bob, http.MethodGet, "/notices", "", 200), &page)
			if len(page.Items) != 1 || page.Items[0].Kind != "comment" || page.Items[0].Count != want {
				return fmt.Errorf("notices %+v, want %d comments", page.Items, want)
			}
			return nil
		})
	}
	if c := say(); len(c.Mentions) != 1 || c.Mentions[0].UserID != bob.ID {
		t.Fatalf("mentions %+v", c.Mentions)
	}
	notices(1)

	d.Kill(t, "user")
	began := time.Now()
	c := say()
	if took := time.Since(began); len(c.Mentions) != 0 || took > 5*time.Second {
		t.Errorf("without the user service: %+v after %v", c, took)
	}
	d.Revive(t, "user")
	harness.Eventually(t, 20*time.Second, func() error {
		if c := say(); len(c.Mentions) != 1 {
			return fmt.Errorf("mentions %+v after the user service came back", c.Mentions)
		}
		return nil
	})
	all := int64(len(ann.Comments(t, video.ID)))
	notices(all)

	d.Kill(t, "notice")
	if c := say(); len(c.Mentions) != 1 {
		t.Errorf("without the notice service: %+v", c)
	}
	v1(t, d, bob, http.MethodGet, "/notices", "", 503)
	d.Revive(t, "notice")
	harness.Eventually(t, 20*time.Second, func() error { return d.Ready(t.Context()) })
	notices(all + 1)

	d.Kill(t, "interaction") // what the notices are about is not known
	var page api.NoticePage
	read(t, v1(t, d, bob, http.MethodGet, "/notices", "", 200), &page)
	if n := page.Items; len(n) != 1 || n[0].Count != all+1 || n[0].Comment != nil || n[0].Video == nil || n[0].Video.ID != video.ID {
		t.Errorf("without the interaction service: %+v", n)
	}
	d.Revive(t, "interaction")
	harness.Eventually(t, 20*time.Second, func() error { return d.Ready(t.Context()) })
	d.Audit(t)
}

// read reads an answer.
func read(t *testing.T, body []byte, out any) {
	t.Helper()
	if err := json.Unmarshal(body, out); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
}
