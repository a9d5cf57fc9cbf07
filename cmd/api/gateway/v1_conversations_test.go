package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
)

func TestV1Conversations(t *testing.T) {
	var asked atomic.Int64
	f := &fakes{
		mgetUsers: func(r *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
			asked.Add(1)
			resp := &user.MGetUsersResponse{Users: map[int64]*user.User{}}
			for _, id := range r.UserIds {
				if id < 1000 {
					resp.Users[id] = &user.User{Id: id, Name: fmt.Sprint("user", id), DisplayName: "<i>"}
				}
			}
			return resp, nil
		},
		conversations: func(r *chat.ListConversationsRequest) (*chat.ListConversationsResponse, error) {
			if r.UserId != 1 || r.Page.Limit != 2 || r.Page.Cursor != "5-7" {
				return &chat.ListConversationsResponse{}, nil
			}
			last := func(peer int64) *chat.Message {
				return &chat.Message{Id: 10 + peer, FromUserId: peer, ToUserId: 1, Content: "<b>", CreatedAtMs: 1_764_400_530_123}
			}
			return &chat.ListConversationsResponse{NextCursor: "3-4", Conversations: []*chat.Conversation{
				{PeerId: 3, LastMessage: last(3), UnreadCount: 100}, {PeerId: 5000, LastMessage: last(5000)},
			}}, nil
		},
	}
	e := start(t, f)
	var page v1.ConversationPage
	wantStatus(t, e.v1("GET", "/conversations?limit=2&cursor=5-7", "", e.bearer(1)...), 200, &page)
	message := func(peer int64) *v1.Message {
		return &v1.Message{ID: 10 + peer, FromUserID: peer, ToUserID: 1, Content: "<b>", CreatedAt: "2025-11-29T07:15:30.123Z"}
	}
	for _, c := range page.Items {
		if !c.User.IsDeleted && (c.User.Name != "user3" || c.User.DisplayName != "<i>" || c.User.AvatarURL == "") {
			t.Errorf("the other: %+v", c.User)
		}
		c.User = &v1.User{ID: c.User.ID, IsDeleted: c.User.IsDeleted}
	}
	want := v1.ConversationPage{NextCursor: "3-4", Items: []*v1.Conversation{
		{User: &v1.User{ID: 3}, LastMessage: message(3), UnreadCount: 100},
		{User: &v1.User{ID: 5000, IsDeleted: true}, LastMessage: message(5000)},
	}}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Error(diff)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d calls for users", n)
	}
	page = v1.ConversationPage{}
	wantStatus(t, e.v1("GET", "/conversations", "", e.bearer(1)...), 200, &page)
	if page.Items == nil || len(page.Items) != 0 || page.NextCursor != "" {
		t.Errorf("without conversations: %+v", page)
	}
	wantProblem(t, e.v1("GET", "/conversations", ""), 401, errno.Unauthenticated, "")
}

// conversation answers as the chat service does, from messages at the times 11, 12, ...
func conversation(n int) func(*chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
	return func(r *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
		if r.UserId != 1 || r.PeerId != 2 || r.FromPeerOnly {
			return &chat.ListMessagesResponse{}, nil
		}
		var all []*chat.Message
		for i := range n {
			if ms := int64(11 + i); ms > r.AfterMs && (r.BeforeMs == 0 || ms < r.BeforeMs) {
				all = append(all, &chat.Message{Id: ms, FromUserId: 1 + ms%2, ToUserId: 2 - ms%2, Content: fmt.Sprint(ms), CreatedAtMs: ms})
			}
		}
		if over := len(all) - int(r.Limit); over > 0 && r.AfterMs == 0 {
			all = all[over:]
		}
		return &chat.ListMessagesResponse{Messages: all[:min(len(all), int(r.Limit))]}, nil
	}
}

// Both directions go through all messages, each once, and what is read as older and as newer ones meets without a gap.
func TestV1Messages(t *testing.T) {
	const n = 25
	e := start(t, &fakes{listMessages: conversation(n)})
	get := func(peer int, query string) (page v1.MessagePage) {
		t.Helper()
		wantStatus(t, e.v1("GET", fmt.Sprintf("/conversations/%d/messages?%s", peer, query), "", e.bearer(1)...), 200, &page)
		return page
	}
	ids := func(page v1.MessagePage) (ids []int64) {
		for _, m := range page.Items {
			ids = append(ids, m.ID)
		}
		return ids
	}
	var all []int64
	for i := range n {
		all = append(all, int64(11+i))
	}
	for _, limit := range []int{1, 5, 10, 25, 30} {
		var old []int64
		for from, pages := "", 0; ; pages++ {
			page := get(2, fmt.Sprintf("direction=older&limit=%d&cursor=%s", limit, from))
			old = append(old, ids(page)...)
			if page.NewerCursor != fmt.Sprint(page.Items[0].ID) {
				t.Errorf("newer_cursor of a page of older ones is %q, its newest message is %d", page.NewerCursor, page.Items[0].ID)
			}
			if from = page.NextCursor; from == "" {
				if want := (n + limit - 1) / limit; pages+1 != want {
					t.Errorf("%d pages of %d, want %d", pages+1, limit, want)
				}
				break
			}
		}
		slices.Reverse(old)
		var young []int64
		for from := ""; ; {
			page := get(2, fmt.Sprintf("direction=newer&limit=%d&cursor=%s", limit, from))
			young = append(young, ids(page)...)
			if page.NextCursor == "" || page.NextCursor != page.NewerCursor {
				t.Fatalf("a poll goes on from %q, %q", page.NextCursor, page.NewerCursor)
			}
			if len(page.Items) == 0 && page.NextCursor != from {
				t.Errorf("a poll without news goes on from %q instead of %q", page.NextCursor, from)
			}
			if from = page.NextCursor; len(page.Items) == 0 {
				break
			}
		}
		if diff := cmp.Diff(all, old) + cmp.Diff(all, young); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
	first := get(2, "limit=3")
	if diff := cmp.Diff([]int64{35, 34, 33}, ids(first)); diff != "" {
		t.Error(diff)
	}
	if m := first.Items[0]; m.FromUserID != 2 || m.ToUserID != 1 || m.Content != "35" || m.CreatedAt != "1970-01-01T00:00:00.035Z" {
		t.Errorf("message %+v", m)
	}
	// With a stranger, a poll can begin at once.
	empty := get(3, "")
	if empty.Items == nil || len(empty.Items) != 0 || empty.NextCursor != "" || empty.NewerCursor == "" {
		t.Errorf("no messages: %+v", empty)
	}
	if got := ids(get(2, "direction=newer&limit=2&cursor="+empty.NewerCursor)); !slices.Equal(got, all[:2]) {
		t.Errorf("a poll from there: %v", got)
	}
}

func TestV1MessageWrites(t *testing.T) {
	var marked atomic.Value
	f := &fakes{
		send: func(r *chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
			if r.ToUserId == 9 {
				return nil, errno.UserNotFound
			}
			m := &chat.Message{Id: 77, FromUserId: r.FromUserId, ToUserId: r.ToUserId, Content: r.Content, CreatedAtMs: 1_764_400_530_123}
			return &chat.SendMessageResponse{Message: m}, nil
		},
		markRead: func(r *chat.MarkReadRequest) (*chat.MarkReadResponse, error) {
			marked.Store(*r)
			return &chat.MarkReadResponse{}, nil
		},
	}
	e := start(t, f)
	var m v1.Message
	wantStatus(t, e.v1("POST", "/conversations/2/messages", `{"content":"hi <b>\n你好"}`, e.bearer(1)...), 201, &m)
	want := v1.Message{ID: 77, FromUserID: 1, ToUserID: 2, Content: "hi <b>\n你好", CreatedAt: "2025-11-29T07:15:30.123Z"}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	wantProblem(t, e.v1("POST", "/conversations/9/messages", `{"content":"hi"}`, e.bearer(1)...), 404, errno.UserNotFound, "")

	// What an answer has named as a time marks exactly that message.
	wantStatus(t, e.v1("PUT", "/conversations/2/read", `{"until":"2025-11-29T07:15:30.123Z"}`, e.bearer(1)...), 204, nil)
	if got := marked.Load(); got != (chat.MarkReadRequest{UserId: 1, PeerId: 2, UntilMs: 1_764_400_530_123}) {
		t.Errorf("marked %+v", got)
	}
	wantStatus(t, e.v1("PUT", "/conversations/2/read", `{"until":"2025-11-29T08:15:30.123456+01:00"}`, e.bearer(1)...), 204, nil)
	if got := marked.Load(); got != (chat.MarkReadRequest{UserId: 1, PeerId: 2, UntilMs: 1_764_400_530_123}) {
		t.Errorf("marked %+v", got)
	}
}

func TestV1MessageRefusals(t *testing.T) {
	var calls atomic.Int64
	f := &fakes{
		send: func(*chat.SendMessageRequest) (*chat.SendMessageResponse, error) {
			calls.Add(1)
			return nil, errno.Internal
		},
		markRead: func(*chat.MarkReadRequest) (*chat.MarkReadResponse, error) {
			calls.Add(1)
			return nil, errno.Internal
		},
		listMessages: func(*chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
			calls.Add(1)
			return nil, errno.Internal
		},
	}
	e := start(t, f)
	for _, c := range []struct{ name, method, path, body, detail string }{
		{"no peer", "GET", "/conversations/0/messages", "", "user_id is not an id"},
		{"direction", "GET", "/conversations/2/messages?direction=sideways", "", "direction has to be older or newer"},
		{"cursor text", "GET", "/conversations/2/messages?cursor=x", "", "cursor is not valid"},
		{"cursor below 0", "GET", "/conversations/2/messages?cursor=-5", "", "cursor is not valid"},
		{"cursor of another list", "GET", "/conversations/2/messages?direction=newer&cursor=5-7", "", "cursor is not valid"},
		{"limit", "GET", "/conversations/2/messages?limit=101", "", "limit has to be"},
		{"send without a body", "POST", "/conversations/2/messages", "", ""},
		{"send a number", "POST", "/conversations/2/messages", `{"content":5}`, `"content" has the wrong type`},
		{"send NUL", "POST", "/conversations/2/messages", `{"content":"a\u0000"}`, "content"},
		{"mark without a time", "PUT", "/conversations/2/read", `{}`, "until is not a time of RFC 3339"},
		{"mark a number", "PUT", "/conversations/2/read", `{"until":1764400530123}`, `"until" has the wrong type`},
		{"mark a date", "PUT", "/conversations/2/read", `{"until":"2025-11-29"}`, "until is not a time of RFC 3339"},
		{"mark before 1970", "PUT", "/conversations/2/read", `{"until":"1969-11-29T07:15:30Z"}`, "until is before 1970"},
		{"mark with nobody", "PUT", "/conversations/-1/read", `{"until":"2025-11-29T07:15:30Z"}`, "user_id is not an id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := e.v1(c.method, c.path, c.body, e.bearer(1)...)
			if a.StatusCode != 400 && (c.body != "" || a.StatusCode != 415) {
				t.Errorf("status %d", a.StatusCode)
			}
			if !strings.Contains(string(a.body), strings.ReplaceAll(c.detail, `"`, `\"`)) {
				t.Errorf("%s, want %s", a.body, c.detail)
			}
			if calls.Load() != 0 {
				t.Error("a service was called")
			}
			if u := e.v1(c.method, c.path, c.body); u.StatusCode != 401 {
				t.Errorf("without a token: status %d", u.StatusCode)
			}
		})
	}
}
