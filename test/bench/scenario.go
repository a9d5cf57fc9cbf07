package main

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"tiktok/test/dataset"
)

// scenario is one kind of load. scenarios lists them.
type scenario struct {
	name, about string
	// conns is the number of connections when none is asked for.
	conns int
	// writes means that the counters are recounted afterwards.
	writes bool
	// of are the lists that are asked for, one after the other; nil where none is.
	of func(d *dataset.Set) []dataset.List
	// target appends the method and the target of the n-th request. It is called by many goroutines at once.
	target func(b []byte, d *dataset.Set, n uint64) []byte
	// header is further header lines of the n-th request, nil for none; body is that of a POST, content appends it where each has its own.
	header  func(d *dataset.Set, n uint64) string
	body    string
	content func(b []byte, d *dataset.Set, n uint64) []byte
	// v1 means that the request is for /api/v1, which answers with HTTP statuses.
	v1 bool
	// mark is what each entry of the answer has once, entries how many there are if not those of the list, atLeast that
	// there may be more. A scenario without a mark wants nothing but success.
	mark    string
	entries int
	atLeast bool
	// answer is what is always answered, instead of all that; nil where it is not always the same.
	answer *answer
	// without is what no answer has that counts: one that does is refused.
	without string
	// scrolls is how many pages of a list each connection reads one after the other, by their cursors, before it goes on to the next list; 0
	// is one.
	scrolls int
	// firstByte counts latency until the first byte of an answer, instead of the last.
	firstByte bool
	// parts are the scenarios that it is a mixture of.
	parts []part
	// store and sql are the statement that the answer is made from, for the floor; args are its arguments if not the list.
	store, sql string
	args       func(d *dataset.Set, n uint64) []any
	// hashes means that a password is hashed for each request.
	hashes bool
}

const (
	// readers is the number of connections of most scenarios, burst that of the storms, uploaders that of uploads: each
	// runs programs of its own.
	readers, burst, uploaders = 32, 256, 4
	// rangeBytes is what a player asks for at once, publishBytes the size of an upload.
	rangeBytes, publishBytes = 64 << 10, 1 << 20
)

// What each entry of a list, and a successful login, has once.
const (
	ofVideo   = `"play_url":`
	ofUser    = `"follower_count":`
	ofComment = `"create_date":`
	ofMessage = `"from_user_id":`
	ofLogin   = `"token":"ey`
)

// scenarios is what can be run, in the order of a full run: what writes comes after what reads.
func scenarios() []scenario {
	feeds, lists, actions, storms := feeds(), lists(), actions(), storms()
	comments := lists[3]
	comments.atLeast = true // others comment meanwhile
	mixed := scenario{
		name: "mixed", conns: readers, writes: true,
		about: "70 % feed pages, 10 % likes, 5 % comments, 5 % comment lists, 5 % profiles, 3 % follows, 2 % messages",
		parts: []part{{feeds[1], 70}, {actions[0], 10}, {actions[1], 5}, {comments, 5}, {lists[0], 5}, {actions[2], 3}, {actions[3], 2}},
	}
	mixedStorm := scenario{
		name: "mixed-storm", about: "half likes, a quarter comments, a quarter feed pages", conns: burst, writes: true,
		parts: []part{{storms[1], 2}, {storms[3], 1}, {feeds[1], 1}},
	}
	return slices.Concat(feeds, lists, others(), searches(), choices(), actions, []scenario{mixed}, storms, []scenario{mixedStorm, publish()})
}

// scenarioNamed finds a scenario.
func scenarioNamed(name string) (scenario, bool) {
	all := scenarios()
	i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return scenario{}, false
	}
	return all[i], true
}

const videoColumns = "id, author_id, title, play_key, cover_key, published_at_ms, duration_ms, size_bytes, width_px, height_px"

// feeds are first pages of the feed: 30 videos by 30 authors.
func feeds() []scenario {
	page := func(name, about string, conns int, target func(b []byte, d *dataset.Set, n uint64) []byte) scenario {
		return scenario{
			name: name, about: "first feed page of 30 videos by 30 authors, " + about, conns: conns, target: target,
			mark: ofVideo, entries: dataset.FeedSize, store: "video",
			sql:  "SELECT " + videoColumns + " FROM videos ORDER BY published_at_ms DESC LIMIT 30",
			args: func(*dataset.Set, uint64) []any { return nil },
		}
	}
	asUser := func(b []byte, d *dataset.Set, n uint64) []byte {
		return fmt.Appendf(b, "GET /douyin/feed/?token=%s", d.User(n).Token)
	}
	v1 := page("feed-v1", "logged in, by /api/v1", readers, func(b []byte, _ *dataset.Set, _ uint64) []byte {
		return append(b, "GET /api/v1/feed"...)
	})
	v1.v1 = true
	v1.header = func(d *dataset.Set, n uint64) string { return "Authorization: Bearer " + d.User(n).Token + "\r\n" }
	return []scenario{
		page("feed-anon", "a visitor", readers, func(b []byte, _ *dataset.Set, _ uint64) []byte { return append(b, "GET /douyin/feed/"...) }),
		page("feed-auth", "logged in", readers, asUser),
		v1,
		page("feed-auth-512", "logged in, 512 connections", 512, asUser),
	}
}

// lists are profiles, and lists of a page or two: those of somebody else, as one user after the other.
func lists() []scenario {
	list := func(name, about, path, mark, store, sql string, of func(d *dataset.Set) []dataset.List) scenario {
		return scenario{
			name: name, about: about, conns: readers, mark: mark, store: store, sql: sql, of: of,
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				all := of(d)
				return fmt.Appendf(b, "GET /douyin/%s=%d&token=%s", path, all[n%uint64(len(all))].ID, d.User(n).Token)
			},
		}
	}
	return []scenario{
		{
			name: "user-info", about: "a user's profile, famous ones more often", conns: readers, mark: ofUser, entries: 1, store: "user",
			sql:  "SELECT id, username, avatar_key, background_key, signature, created_at_ms FROM users WHERE id = ?",
			args: func(d *dataset.Set, n uint64) []any { return []any{d.Fame(n)} },
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				return fmt.Appendf(b, "GET /douyin/user/?user_id=%d&token=%s", d.Fame(n), d.User(n).Token)
			},
		},
		list("publish-list", "the 20 to 30 videos of an author", "publish/list/?user_id", ofVideo,
			"video", "SELECT "+videoColumns+" FROM videos WHERE author_id = ? ORDER BY published_at_ms DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Works }),
		list("favorite-list", "the 20 to 30 videos that a user likes", "favorite/list/?user_id", ofVideo,
			"interaction", "SELECT video_id, liked_event FROM favorites WHERE user_id = ? AND liked = 1 ORDER BY liked_event DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Favorites }),
		list("comment-list", "the 20 comments below a video", "comment/list/?video_id", ofComment,
			"interaction", "SELECT id, user_id, content, created_at_ms FROM comments WHERE video_id = ? AND deleted = 0 ORDER BY id DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Comments }),
		list("follow-list", "the 20 to 30 users whom a user follows", "relation/follow/list/?user_id", ofUser,
			"social", "SELECT id, to_user_id FROM follows WHERE user_id = ? ORDER BY id DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Following }),
		list("follower-list", "the 20 to 30 users who follow a user", "relation/follower/list/?user_id", ofUser,
			"social", "SELECT id, user_id FROM follows WHERE to_user_id = ? ORDER BY id DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Followers }),
		list("friend-list", "the 10 to 30 friends of a user, each with the latest message", "relation/friend/list/?user_id", ofUser,
			"social", "SELECT f.id, f.to_user_id FROM follows f JOIN follows b ON b.user_id = f.to_user_id AND b.to_user_id = f.user_id "+
				"WHERE f.user_id = ? ORDER BY f.id DESC LIMIT 1000",
			func(d *dataset.Set) []dataset.List { return d.Friends }),
	}
}

// others are a poll, a part of a file, logins and registrations.
func others() []scenario {
	// The moment makes new names new, also in a deployment that was measured before.
	moment := strconv.FormatInt(time.Now().UnixMilli(), 36)
	return []scenario{
		{ // what a phone does each second while a conversation is open
			name: "message-chat", about: "a poll of a conversation in which nothing is new", conns: readers, mark: ofMessage, store: "chat",
			sql: "SELECT id, from_user_id, content FROM messages WHERE low_id = ? AND high_id = ? AND created_at_ms > ? LIMIT 1000",
			args: func(d *dataset.Set, n uint64) []any {
				c := d.Chat(n)
				return []any{d.Users[c.User].ID, c.Peer, c.LastMs}
			},
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				c := d.Chat(n)
				return fmt.Appendf(b, "GET /douyin/message/chat/?to_user_id=%d&pre_msg_time=%d&token=%s", c.Peer, c.LastMs, d.Users[c.User].Token)
			},
		},
		{
			name: "media-range", about: "64 KiB of a video file", conns: readers, answer: &answer{http.StatusPartialContent, rangeBytes},
			header: func(*dataset.Set, uint64) string { return fmt.Sprintf("Range: bytes=0-%d\r\n", rangeBytes-1) },
			target: func(b []byte, _ *dataset.Set, _ uint64) []byte { return append(b, "GET /media/"+dataset.PlayKey...) },
		},
		{
			name: "login", about: "logins with name and password", conns: readers, hashes: true, mark: ofLogin, entries: 1,
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				return fmt.Appendf(b, "POST /douyin/user/login/?username=%s&password=%s", d.User(n).Name, dataset.Password)
			},
		},
		{
			name: "register", about: "registrations", conns: readers, hashes: true, mark: ofLogin, entries: 1,
			target: func(b []byte, _ *dataset.Set, n uint64) []byte {
				return fmt.Appendf(b, "POST /douyin/user/register/?username=new%s_%d&password=%s", moment, n, dataset.Password)
			},
		},
	}
}

// likes are likes and unlikes: all users in turn do one and then the other, on the video that which chooses.
func likes(name, about string, conns int, which func(d *dataset.Set, user, turn uint64) dataset.Video) scenario {
	return scenario{
		name: name, about: about, conns: conns, writes: true,
		target: func(b []byte, d *dataset.Set, n uint64) []byte {
			user, turn, action := pair(n, uint64(len(d.Users)))
			video := which(d, user, turn).ID
			return fmt.Appendf(b, "POST /douyin/favorite/action/?token=%s&video_id=%d&action_type=%d", d.Users[user].Token, video, action)
		},
	}
}

func comments(name, about string, conns int, which func(d *dataset.Set, n uint64) dataset.Video) scenario {
	return scenario{
		name: name, about: about, conns: conns, writes: true, mark: ofComment, entries: 1,
		target: func(b []byte, d *dataset.Set, n uint64) []byte {
			return fmt.Appendf(b, "POST /douyin/comment/action/?token=%s&video_id=%d&action_type=1&comment_text=what+a+view%%2C+where+is+this%%3F",
				d.User(n).Token, which(d, n).ID)
		},
	}
}

// actions write as people do, popular videos and famous users more often.
func actions() []scenario {
	return []scenario{
		likes("favorite-action", "likes and unlikes, popular videos more often", readers,
			func(d *dataset.Set, user, turn uint64) dataset.Video {
				return d.View(elsewhere(user, turn, dataset.Accesses))
			}),
		comments("comment-action", "comments, on popular videos more often", readers,
			func(d *dataset.Set, n uint64) dataset.Video { return d.View(n * 7919) }),
		{
			name: "relation-action", about: "follows and unfollows, famous users more often", conns: readers, writes: true,
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				user, turn, action := pair(n, uint64(len(d.Users)))
				to := elsewhere(user, turn, dataset.Accesses)
				if d.Fame(to) == d.Users[user].ID {
					to++
				}
				return fmt.Appendf(b, "POST /douyin/relation/action/?token=%s&to_user_id=%d&action_type=%d", d.Users[user].Token, d.Fame(to), action)
			},
		},
		{
			name: "message-action", about: "messages in conversations all over", conns: readers, writes: true,
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				c := d.Chat(n)
				return fmt.Appendf(b, "POST /douyin/message/action/?token=%s&to_user_id=%d&action_type=1&content=see+you+at+the+usual+place",
					d.Users[c.User].Token, c.Peer)
			},
		},
	}
}

// storms are a video that goes viral, and the same load without a hot row.
func storms() []scenario {
	hot := func(d *dataset.Set, _, _ uint64) dataset.Video { return d.Videos[0] }
	spread := func(d *dataset.Set, user, turn uint64) dataset.Video {
		return d.Videos[elsewhere(user, turn, uint64(len(d.Videos)))]
	}
	return []scenario{
		likes("like-hot", "all users like and unlike one video", burst, hot),
		likes("like-spread", "all users like and unlike videos all over", burst, spread),
		comments("comment-hot", "all users comment on one video", burst, func(d *dataset.Set, _ uint64) dataset.Video { return d.Videos[0] }),
		comments("comment-spread", "all users comment on videos all over", burst, func(d *dataset.Set, n uint64) dataset.Video {
			users := uint64(len(d.Users))
			return spread(d, n%users, n/users)
		}),
		watches(),
	}
}

// publish uploads a video of 1 MiB: the clip of all videos, made as long by a box that players skip.
func publish() scenario {
	const edge = "bench-2b7c1f"
	file, err := os.ReadFile(dataset.Clip + ".mp4")
	if rest := publishBytes - len(file); err == nil && rest >= 8 {
		free := append(binary.BigEndian.AppendUint32(nil, uint32(rest)), "free"...)
		file = append(append(file, free...), make([]byte, rest-len(free))...)
	}
	return scenario{
		name: "publish", about: "uploads of a video of 1 MiB", conns: uploaders, writes: true,
		target: func(b []byte, d *dataset.Set, n uint64) []byte {
			return fmt.Appendf(b, "POST /douyin/publish/action/?token=%s", d.User(n*7919).Token)
		},
		header: func(*dataset.Set, uint64) string {
			return "Content-Type: multipart/form-data; boundary=" + edge + "\r\n"
		},
		body: "--" + edge + "\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nbench upload\r\n" +
			"--" + edge + "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"clip.mp4\"\r\nContent-Type: video/mp4\r\n\r\n" +
			string(file) + "\r\n--" + edge + "--\r\n",
	}
}

// pair spreads the n-th write of two-step actions (1 does, 2 undoes): each user in turn, and the same step for all of
// them before the next. turn tells the places of a user's rounds apart.
func pair(n, users uint64) (user, turn, action uint64) {
	round := n / users
	return n % users, round / 2, 1 + round%2
}

// elsewhere is the index of a video for a user's turn, so that neither users nor videos of neighbours collide.
func elsewhere(user, turn, videos uint64) uint64 { return (user*7919 + turn*104729) % videos }
