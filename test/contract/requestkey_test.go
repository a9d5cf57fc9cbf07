package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// withKey is a request that may be repeated.
func withKey(r harness.Request, u *harness.User, key string) harness.Request {
	r.Header = http.Header{"Idempotency-Key": {key}}
	if u != nil {
		r.Header.Set("Authorization", "Bearer "+u.Token)
	}
	return r
}

func jsonRequest(t *testing.T, path string, body any) harness.Request {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return harness.Request{Method: http.MethodPost, Path: path, ContentType: "application/json", Body: b}
}

// A request that is repeated with its key is done once, also when it is sent many times at the same moment; with another one the key is an
// error. So it is on both surfaces, and for all that would be there twice.
func testRequestKeys(t *testing.T, d *harness.Deployment) {
	w := newWorld(t, d)
	clip := harness.File{Field: "data", Name: "video.mp4", Data: harness.TestData(t, "tiny.mp4")}
	name := d.NewName()
	member := func(name string) harness.Request {
		return jsonRequest(t, "/api/v1/users", map[string]string{"name": name, "password": "a long walk"})
	}
	for what, c := range map[string]struct {
		request, other harness.Request
		by             *harness.User
		count          func() int
		id             string
		reused         *errno.Error
	}{
		"comment": {
			request: harness.Form(http.MethodPost, harness.PathComment,
				harness.Params("video_id", w.video.ID, "action_type", 1, "comment_text", "once")),
			other: harness.Form(http.MethodPost, harness.PathComment,
				harness.Params("video_id", w.video.ID, "action_type", 1, "comment_text", "other")),
			by: w.eve, id: "comment", count: func() int { return len(w.eve.Comments(t, w.video.ID)) }, reused: errno.IdempotencyKeyReused,
		},
		"comment of v1": {
			request: jsonRequest(t, fmt.Sprintf("/api/v1/videos/%d/comments", w.video.ID), map[string]string{"content": "once v1"}),
			other:   jsonRequest(t, fmt.Sprintf("/api/v1/videos/%d/comments", w.video.ID), map[string]string{"content": "other"}),
			by:      w.eve, id: "id", count: func() int { return len(w.eve.Comments(t, w.video.ID)) }, reused: errno.IdempotencyKeyReused,
		},
		"message": {
			request: harness.Form(http.MethodPost, harness.PathMessage, harness.Params("to_user_id", w.bob.ID, "action_type", 1, "content", "once")),
			other:   harness.Form(http.MethodPost, harness.PathMessage, harness.Params("to_user_id", w.ann.ID, "action_type", 1, "content", "once")),
			by:      w.eve, count: func() int { return len(w.eve.Chat(t, w.bob.ID, 0)) }, reused: errno.IdempotencyKeyReused,
		},
		"message of v1": {
			request: jsonRequest(t, fmt.Sprintf("/api/v1/conversations/%d/messages", w.bob.ID), map[string]string{"content": "once v1"}),
			other:   jsonRequest(t, fmt.Sprintf("/api/v1/conversations/%d/messages", w.bob.ID), map[string]string{"content": "other"}),
			by:      w.eve, id: "id", count: func() int { return len(w.eve.Chat(t, w.bob.ID, 0)) }, reused: errno.IdempotencyKeyReused,
		},
		"upload": {
			request: harness.Multipart(t, http.MethodPost, harness.PathPublish, harness.Params("title", "once"), clip),
			other:   harness.Multipart(t, http.MethodPost, harness.PathPublish, harness.Params("title", "more"), clip),
			by:      w.eve, count: func() int { return len(w.eve.Published(t, w.eve.ID)) }, reused: errno.IdempotencyKeyReused,
		},
		"upload of v1": {
			request: harness.Multipart(t, http.MethodPost, "/api/v1/videos", url.Values{"title": {"once v1"}}, clip),
			other:   harness.Multipart(t, http.MethodPost, "/api/v1/videos", url.Values{"title": {"more v1"}}, clip),
			by:      w.eve, id: "video_id", count: func() int { return len(w.eve.Published(t, w.eve.ID)) }, reused: errno.IdempotencyKeyReused,
		},
		"registration of v1": {
			request: member(name), other: jsonRequest(t, "/api/v1/users", map[string]string{"name": name, "password": "another walk"}),
			id: "user", count: func() int { return 0 }, reused: errno.UserNameTaken,
		},
	} {
		t.Run(what, func(t *testing.T) {
			before, key := c.count(), "key of "+what
			key = fmt.Sprintf("%x", key)
			answers := make([]keyAnswer, 3)
			var wg sync.WaitGroup
			for i := range answers {
				wg.Go(func() { answers[i] = ask(t, d, withKey(c.request, c.by, key)) })
			}
			wg.Wait()
			answers = append(answers, ask(t, d, withKey(c.request, c.by, key)))
			for _, a := range answers {
				if a.code != 0 || a.status >= 300 {
					t.Fatalf("answered %d: %s", a.status, a.raw)
				}
				if one, other := idOf(a.body[c.id]), idOf(answers[0].body[c.id]); c.id != "" && (one == nil || one != other) {
					t.Errorf("answered %v and %v", other, one)
				}
			}
			if n := c.count() - before; n > 1 || n < 1 && c.by != nil {
				t.Errorf("%d are stored", n)
			}
			after := c.count()
			if a := ask(t, d, withKey(c.other, c.by, key)); a.code != c.reused.Code {
				t.Errorf("the key with another request: %s", a.raw)
			}
			if a := ask(t, d, withKey(c.request, c.by, "a b")); a.code != errno.InvalidArgument.Code {
				t.Errorf("a bad key: %s", a.raw)
			}
			if n := c.count(); n != after {
				t.Errorf("%d were stored by what was refused", n-after)
			}
		})
	}
}

// idOf is the id of an answer's member: itself, or that of the object.
func idOf(v any) any {
	if o, ok := v.(map[string]any); ok {
		return o["id"]
	}
	return v
}

// keyAnswer is an answer of either surface.
type keyAnswer struct {
	status int
	code   int32
	body   map[string]any
	raw    []byte
}

func ask(t *testing.T, d *harness.Deployment, r harness.Request) keyAnswer {
	a := d.Raw(t, r)
	var codes struct {
		StatusCode int32 `json:"status_code"`
		Code       int32 `json:"code"`
	}
	var body map[string]any
	if err := errors.Join(json.Unmarshal(a.Raw, &codes), json.Unmarshal(a.Raw, &body)); err != nil {
		t.Errorf("%s: %v", a.Raw, err)
	}
	return keyAnswer{a.Status, codes.StatusCode + codes.Code, body, a.Raw}
}
