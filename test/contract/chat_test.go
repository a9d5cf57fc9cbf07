package contract_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

func testChat(t *testing.T, d *harness.Deployment) {
	ann, bob, eve := d.NewUser(t), d.NewUser(t), d.NewUser(t)
	texts := []string{"hi", "你好 👋", "a\nb\tc", `"quotes" & <tags> \ %`, " spaces "}
	for i, text := range texts {
		from, to := ann, bob
		if i%2 == 1 {
			from, to = bob, ann
		}
		from.Send(t, to.ID, text)
	}
	whole := ann.Chat(t, bob.ID, 0)
	if len(whole) != len(texts) {
		t.Fatalf("%d messages, want %d", len(whole), len(texts))
	}
	for i, m := range whole {
		from, to := ann.ID, bob.ID
		if i%2 == 1 {
			from, to = to, from
		}
		if m.FromUserID != from || m.ToUserID != to || m.Content != texts[i] {
			t.Errorf("message %d is %+v, want %q from %d to %d", i, m, texts[i], from, to)
		}
		if i > 0 && m.Time(t) <= whole[i-1].Time(t) {
			t.Errorf("message %d has create_time %s after %s", i, m.CreateTime, whole[i-1].CreateTime)
		}
		if age := time.Since(time.UnixMilli(m.Time(t))); age < -time.Minute || age > time.Hour {
			t.Errorf("create_time %s is %v ago: not milliseconds?", m.CreateTime, age)
		}
	}
	if got := bob.Chat(t, ann.ID, 0); !slices.Equal(got, whole) {
		t.Errorf("the other side sees %+v, want %+v", got, whole)
	}
	t.Run("after a time only what the other has sent later", func(t *testing.T) {
		for i, m := range whole {
			var want []harness.Message
			for _, later := range whole[i+1:] {
				if later.ToUserID == ann.ID {
					want = append(want, later)
				}
			}
			if got := ann.Chat(t, bob.ID, m.Time(t)); !slices.Equal(got, want) {
				t.Errorf("after message %d: %+v, want %+v", i, got, want)
			}
		}
	})
	t.Run("the cursor's other forms", func(t *testing.T) {
		for _, v := range []any{"", "0", -5} {
			a := ann.Get(t, harness.PathChat, "to_user_id", bob.ID, "pre_msg_time", v).OK(t)
			if l, ok := a.Body["message_list"].([]any); !ok || len(l) != len(whole) {
				t.Errorf("pre_msg_time %q: %s", v, a.Raw)
			}
		}
		ms := whole[0].Time(t)
		digits := ann.Get(t, harness.PathChat, "to_user_id", bob.ID, "pre_msg_time", ms).OK(t)
		float := ann.Get(t, harness.PathChat, "to_user_id", bob.ID, "pre_msg_time", fmt.Sprint(float64(ms))).OK(t)
		if string(digits.Raw) != string(float.Raw) {
			t.Errorf("%d and %v are two times", ms, float64(ms))
		}
		if got := ann.Chat(t, bob.ID, time.Now().Add(time.Hour).UnixMilli()); len(got) != 0 {
			t.Errorf("from the future: %+v", got)
		}
	})
	t.Run("nobody else sees it", func(t *testing.T) {
		if m := eve.Chat(t, ann.ID, 0); len(m) != 0 {
			t.Errorf("eve reads %+v", m)
		}
		if m := ann.Chat(t, eve.ID, 0); len(m) != 0 {
			t.Errorf("ann reads %+v", m)
		}
	})
	t.Run("friends show the latest message, from the viewer's side", func(t *testing.T) {
		requireFriends := func(u *harness.User, want ...harness.Friend) {
			t.Helper()
			got := u.Friends(t)
			if len(got) != len(want) {
				t.Fatalf("%s has friends %+v, want %+v", u.Name, got, want)
			}
			for i := range want {
				if got[i].ID != want[i].ID || got[i].Message != want[i].Message || got[i].MsgType != want[i].MsgType || !got[i].IsFollow {
					t.Errorf("%s sees %+v, want %+v", u.Name, got[i], want[i])
				}
			}
		}
		ann.Follow(t, bob.ID)
		requireFriends(ann)
		requireFriends(bob)
		bob.Follow(t, ann.ID)
		ann.Follow(t, eve.ID)
		eve.Follow(t, ann.ID)
		last := whole[len(whole)-1] // ann's
		friend := func(u *harness.User, message string, msgType int64) harness.Friend {
			return harness.Friend{Card: harness.Card{ID: u.ID}, Message: message, MsgType: msgType}
		}
		requireFriends(ann, friend(eve, "", 1), friend(bob, last.Content, 1))
		requireFriends(bob, friend(ann, last.Content, 0))
		bob.Send(t, ann.ID, "later")
		requireFriends(ann, friend(eve, "", 1), friend(bob, "later", 0))
		requireFriends(bob, friend(ann, "later", 1))
		ann.Unfollow(t, bob.ID)
		requireFriends(ann, friend(eve, "", 1))
		requireFriends(bob)
	})
	t.Run("to oneself and to nobody", func(t *testing.T) {
		ann.Post(t, harness.PathMessage, "to_user_id", ann.ID, "action_type", 1, "content", "x").Fails(t, errno.ChatSelf)
		ann.Post(t, harness.PathMessage, "to_user_id", 1, "action_type", 1, "content", "x").Fails(t, errno.UserNotFound)
	})
}

// phone is one side of a chat as the app behaves: it shows what it sends at once, polls with the create_time of the last
// message that it got, and appends what comes.
type phone struct {
	user, peer *harness.User
	cursor     int64
	screen     []harness.Message // what the other has sent
}

func (p *phone) poll(t testing.TB) {
	t.Helper()
	for _, m := range p.user.Chat(t, p.peer.ID, p.cursor) {
		p.cursor = m.Time(t)
		if m.ToUserID == p.user.ID {
			p.screen = append(p.screen, m)
		}
	}
}

// testChatPolling lets both sides send from several places and poll at once: everything arrives once, in order.
func testChatPolling(t *testing.T, d *harness.Deployment) {
	const senders, each = 4, 25
	users := [2]*harness.User{d.NewUser(t), d.NewUser(t)}
	phones := [2]*phone{{user: users[0], peer: users[1]}, {user: users[1], peer: users[0]}}
	for i, u := range users { // a history from which the cursor starts
		u.Send(t, users[1-i].ID, "before")
	}
	var sending atomic.Int64
	sending.Store(2 * senders)
	harness.Parallel(t, 2*senders+2, func(t testing.TB, i int) {
		if i < 2 {
			pollWhile(t, phones[i], func() bool { return sending.Load() > 0 })
			return
		}
		defer sending.Add(-1)
		from, to := users[i%2], users[1-i%2]
		for n := range each {
			from.Send(t, to.ID, fmt.Sprintf("%d of sender %d", n, i))
		}
	})
	for i, p := range phones {
		var sent []harness.Message
		for _, m := range p.user.Chat(t, p.peer.ID, 0) {
			if m.ToUserID == p.user.ID {
				sent = append(sent, m)
			}
		}
		if len(sent) != senders*each+1 {
			t.Errorf("phone %d: %d messages are stored, %d were sent", i, len(sent), senders*each+1)
		}
		if !slices.Equal(p.screen, sent) {
			t.Errorf("phone %d shows %d messages, %d were sent to it:\n%v\n%v", i, len(p.screen), len(sent), p.screen, sent)
		}
		next := map[byte]int{} // of each sender: what they sent first comes first
		for _, m := range sent[1:] {
			sender := m.Content[len(m.Content)-1]
			if want := fmt.Sprintf("%d of sender %c", next[sender], sender); m.Content != want {
				t.Errorf("phone %d: got %q, want %q", i, m.Content, want)
			}
			next[sender]++
		}
	}
}

// The app polls once a second. Here a phone polls as often as it may: a burst at once, then at the limit's rate.
const (
	pollBurst = 50
	pollFast  = 2 * time.Millisecond
	pollEvery = 60 * time.Millisecond
)

func pollWhile(t testing.TB, p *phone, more func() bool) {
	tick := time.NewTicker(pollFast)
	defer tick.Stop()
	for n := 0; more(); n++ {
		if n == pollBurst {
			tick.Reset(pollEvery)
		}
		p.poll(t)
		<-tick.C
	}
	p.poll(t) // what came while the last poll was under way
}
