package gateway_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// An IPv6 customer has 2^64 addresses: they are one client.
func TestAddressLimitsCountIPv6ByNetwork(t *testing.T) {
	e := start(t, &fakes{}, trust("127.0.0.0/8"), func(d *gateway.Deps) { d.Limits.RegisterAddr = limiter.Rule{Rate: 0.001, Burst: 1} })
	for i, try := range []struct {
		addr string
		ok   bool
	}{
		{"2001:db8::1", true},
		{"2001:db8::2", false},
		{"2001:db8:0:0:ffff::3", false},
		{"2001:db8:0:1::1", true},
		{"192.0.2.1", true},
		{"::ffff:192.0.2.1", false},
		{"192.0.2.2", true},
	} {
		want := int32(0)
		if !try.ok {
			want = errno.TooManyRequests.Code
		}
		got := e.do(request{
			method: "POST", path: "/douyin/user/register/", query: values("username", "a", "password", "b"),
			header: map[string]string{"X-Forwarded-For": try.addr},
		})
		if got.code() != int(want) {
			t.Errorf("%d. %s: %s, want %d", i, try.addr, got.body, want)
		}
	}
}

// What is dear is paid for by the requests after it; what is small costs one.
func TestAnswersAreChargedBySize(t *testing.T) {
	rule := limiter.Rule{Rate: 0.001, Burst: 40}
	long := func(n int) func(*chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
		return func(*chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
			r := &chat.ListMessagesResponse{}
			for i := range n {
				r.Messages = append(
					r.Messages,
					&chat.Message{Id: int64(i + 1), FromUserId: 1, ToUserId: 2, Content: strings.Repeat("x", 60), CreatedAtMs: 1},
				)
			}
			return r, nil
		}
	}
	followers := func(n int64) func(*social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
		return func(*social.ListFollowersRequest) (*social.ListFollowersResponse, error) {
			r := &social.ListFollowersResponse{}
			for i := range n {
				r.UserIds = append(r.UserIds, i+1)
			}
			return r, nil
		}
	}
	for _, tt := range []struct {
		name   string
		fakes  *fakes
		change func(*config.Limits)
		path   string
		token  bool
		want   int // requests that are answered
	}{
		{"polls", &fakes{}, func(l *config.Limits) { l.ChatUser = rule }, "/douyin/message/chat/?to_user_id=2", true, 40},
		{
			"a short chat", &fakes{listMessages: long(100)}, func(l *config.Limits) { l.ChatUser = rule }, "/douyin/message/chat/?to_user_id=2",
			true, 40,
		},
		// About 160 bytes each: 1 + 16 tokens.
		{
			"a whole chat", &fakes{listMessages: long(1000)}, func(l *config.Limits) { l.ChatUser = rule }, "/douyin/message/chat/?to_user_id=2",
			true, 3,
		},
		// About 330 bytes each: 1 + 37 tokens.
		{
			"followers, by user", &fakes{followers: followers(1000)}, func(l *config.Limits) { l.ReadUser = rule },
			"/douyin/relation/follower/list/?user_id=2", true, 2,
		},
		{
			"followers, by address", &fakes{followers: followers(1000)}, func(l *config.Limits) { l.ReadAddr = rule },
			"/douyin/relation/follower/list/?user_id=2", false, 2,
		},
		{
			"compressed or not", &fakes{followers: followers(1000)}, func(l *config.Limits) { l.ReadAddr = rule },
			"/douyin/relation/follower/list/?user_id=2", false, 2,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := start(t, tt.fakes, func(d *gateway.Deps) { tt.change(&d.Limits) })
			r := request{method: "GET", path: tt.path}
			if tt.token {
				r.path += "&token=" + e.token(1)
			}
			if tt.name == "compressed or not" {
				r.header = map[string]string{"Accept-Encoding": "gzip"}
			}
			ok := 0
			for range 50 {
				a := e.do(r)
				switch {
				case a.Header.Get("Retry-After") == "":
					ok++
				case r.header == nil:
					wantCode(t, a, errno.TooManyRequests.Code)
				}
			}
			if ok != tt.want {
				t.Errorf("%d of 50 answered, want %d", ok, tt.want)
			}
		})
	}
}

// A feed page of 30 videos and a profile cost what they did: a school's requests are not charged by size.
func TestFeedPagesCostOne(t *testing.T) {
	now := time.Now().UnixMilli()
	f := &fakes{feed: func(*video.FeedRequest) (*video.FeedResponse, error) {
		r := &video.FeedResponse{}
		for i := range int64(30) {
			r.Videos = append(r.Videos, &video.Video{
				Id: i + 1, AuthorId: i + 1, Title: strings.Repeat("标题", 20), PlayKey: "videos/0123456789abcdef0123456789abcdef.mp4",
				CoverKey: "covers/0123456789abcdef0123456789abcdef.jpg", PublishedAtMs: now - i,
			})
		}
		return r, nil
	}}
	e := start(t, f, func(d *gateway.Deps) { d.Limits.ReadAddr = limiter.Rule{Rate: 0.001, Burst: 40} })
	for i := range 40 {
		a := e.get("/douyin/feed/")
		wantCode(t, a, 0)
		if i == 0 {
			t.Logf("a page of 30 videos has %d bytes", len(a.body))
			if n := len(a.list("video_list")); n != 30 {
				t.Fatalf("%d videos", n)
			}
		}
	}
	wantCode(t, e.get("/douyin/feed/"), errno.TooManyRequests.Code)
}

// One user's many whole chats at once do not fill the memory: a few are read at a time.
func TestWholeChatsAtOnceAreFew(t *testing.T) {
	var now, most atomic.Int64
	open := make(chan struct{})
	f := &fakes{listMessages: func(r *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
		if r.AfterMs == 0 && r.UserId == 1 {
			for n := now.Add(1); ; {
				old := most.Load()
				if n <= old || most.CompareAndSwap(old, n) {
					break
				}
			}
			defer now.Add(-1)
			<-open
		}
		return &chat.ListMessagesResponse{}, nil
	}}
	e := start(t, f)
	codes := make(chan int, 30)
	var wg sync.WaitGroup
	for range cap(codes) {
		wg.Go(func() { codes <- e.get("/douyin/message/chat/", "to_user_id", "2", "token", e.token(1)).code() })
	}
	// All but two that are read and eight that wait are told to come again.
	for range 20 {
		if code := <-codes; code != int(errno.TooManyRequests.Code) {
			t.Errorf("answered %d, want too many", code)
		}
	}
	// Polls and other people do not wait for them.
	wantCode(t, e.get("/douyin/message/chat/", "to_user_id", "2", "pre_msg_time", "5", "token", e.token(1)), 0)
	wantCode(t, e.get("/douyin/message/chat/", "to_user_id", "2", "token", e.token(3)), 0)
	close(open)
	wg.Wait()
	for range 10 {
		if code := <-codes; code != 0 {
			t.Errorf("answered %d, want 0", code)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d whole chats of one user were read at once, want 2", most.Load())
	}
}

// Guesses count by account and network: those from elsewhere do not slow the owner down, and the user service, which counts
// all networks together, is told where each comes from.
func TestGuessesCountByNetwork(t *testing.T) {
	var clients sync.Map
	e := start(t, &fakes{
		login: func(r *user.LoginRequest) (*user.LoginResponse, error) {
			clients.Store(r.Client, true)
			if r.Password == "secret" {
				return &user.LoginResponse{UserId: 1}, nil
			}
			return nil, errno.UserBadCredentials
		},
		register: func(r *user.RegisterRequest) (*user.RegisterResponse, error) {
			clients.Store("register "+r.Client, true)
			return &user.RegisterResponse{UserId: 1}, nil
		},
	}, trust("127.0.0.0/8"))
	from := func(addr, path, password string) answer {
		return e.do(request{
			method: "POST", path: path, query: values("username", "ann", "password", password), header: map[string]string{"X-Forwarded-For": addr},
		})
	}
	const login = "/douyin/user/login/"
	for i := range 40 {
		want := errno.UserBadCredentials.Code
		if i >= 10 {
			want = errno.TooManyRequests.Code
		}
		wantCode(t, from(fmt.Sprintf("2001:db8:bad::%x", i+1), login, "guess"), want)
	}
	wantCode(t, from("192.0.2.1", login, "secret"), 0)
	wantCode(t, from("2001:db8:bad::1", login, "secret"), errno.TooManyRequests.Code) // another's success does not help the guesser
	wantCode(t, from("2001:db8:900d::1", "/douyin/user/register/", "secret"), 0)
	for _, client := range []string{"192.0.2.1", "2001:db8:bad::/64", "register 2001:db8:900d::/64"} {
		if _, ok := clients.Load(client); !ok {
			t.Errorf("the user service was not told of %s", client)
		}
	}
}

// Who is refused by the user service is told when to come again.
func TestRefusedLoginsSayWhenToComeAgain(t *testing.T) {
	for _, tt := range []struct {
		err   *errno.Error
		after string
	}{{errno.TooManyRequests, "30"}, {errno.Unavailable, "2"}, {errno.UserBadCredentials, ""}} {
		e := start(t, &fakes{
			login:    func(*user.LoginRequest) (*user.LoginResponse, error) { return nil, tt.err },
			register: func(*user.RegisterRequest) (*user.RegisterResponse, error) { return nil, tt.err },
		})
		for _, path := range []string{"/douyin/user/login/", "/douyin/user/register/"} {
			a := e.post(path, "username", "ann", "password", "x")
			wantCode(t, a, tt.err.Code)
			if got := a.Header.Get("Retry-After"); got != tt.after {
				t.Errorf("%s, %v: Retry-After is %q, want %q", path, tt.err, got, tt.after)
			}
		}
	}
}
