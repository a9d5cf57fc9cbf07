package main

import "errors"

// userInfo asks for the profile of a user, famous ones more often.
func userInfo() scenario {
	return scenario{
		name: "user-info", about: "a user's profile, famous ones more often", conns: readers, sql: userSQL, rpc: echoUser,
		build: func(d *dataset, host string) request {
			return getList(d, host, "GET /douyin/user/?user_id=", func(n uint64) int64 { return d.fame(n) })
		},
		check: func(*dataset) judge { return holding(ofUser, false, func(uint64) int { return 1 }) },
	}
}

// A list of a page or two, of another user than the one who asks.
func listOf(name, about, path, key, mark string, of func(l *lists) []list) scenario {
	return scenario{
		name: name, about: about, conns: readers, needs: some(of),
		build: func(d *dataset, host string) request {
			all := of(&d.lists)
			return getList(d, host, "GET /douyin/"+path+"?"+key+"=", func(n uint64) int64 { return all[n%uint64(len(all))].ID })
		},
		check: func(d *dataset) judge {
			all := of(&d.lists)
			return holding(mark, false, func(n uint64) int { return all[n%uint64(len(all))].N })
		},
	}
}

// getList asks for something of id as one user after the other.
func getList(d *dataset, host, start string, id func(n uint64) int64) request {
	end := target(host, "")
	return func(dst []byte, n uint64) []byte {
		dst = appendID(dst, start, id(n))
		dst = append(dst, "&token="...)
		dst = append(dst, d.user(n).token...)
		return append(dst, end...)
	}
}

func works(l *lists) []list     { return l.works }
func favorites(l *lists) []list { return l.favorites }
func commented(l *lists) []list { return l.comments }
func following(l *lists) []list { return l.following }
func followers(l *lists) []list { return l.followers }
func friends(l *lists) []list   { return l.friends }

func publishList() scenario {
	s := listOf("publish-list", "the 20 to 30 videos of an author", "publish/list/", "user_id", ofVideo, works)
	s.sql, s.rpc = worksSQL, echoFeed
	return s
}

func favoriteList() scenario {
	s := listOf("favorite-list", "the 20 to 30 videos that a user likes", "favorite/list/", "user_id", ofVideo, favorites)
	s.sql, s.rpc = favoritesSQL, echoFeed
	return s
}

func commentList() scenario {
	s := listOf("comment-list", "the 20 comments below a video", "comment/list/", "video_id", ofComment, commented)
	s.sql, s.rpc = commentsSQL, echoComments
	return s
}

func followList() scenario {
	s := listOf("follow-list", "the 20 to 30 users whom a user follows", "relation/follow/list/", "user_id", ofUser, following)
	s.sql, s.rpc = followingSQL, echoUsers
	return s
}

func followerList() scenario {
	s := listOf("follower-list", "the 20 to 30 users who follow a user", "relation/follower/list/", "user_id", ofUser, followers)
	s.sql, s.rpc = followersSQL, echoUsers
	return s
}

func friendList() scenario {
	s := listOf("friend-list", "the 10 to 30 friends of a user, each with the latest message", "relation/friend/list/", "user_id", ofUser, friends)
	s.sql, s.rpc = friendsSQL, echoUsers
	return s
}

// talking is an error when nobody talks.
func talking(d *dataset) error {
	if len(d.chats) == 0 {
		return errors.New("the data set has no conversation")
	}
	return nil
}

// messageChat is what every phone does each second while a conversation is open: ask whether there is something new.
func messageChat() scenario {
	return scenario{
		name: "message-chat", about: "a poll of a conversation in which nothing is new", conns: readers, needs: talking, sql: pollSQL, rpc: echoPoll,
		build: func(d *dataset, host string) request {
			end := target(host, "")
			return func(dst []byte, n uint64) []byte {
				c := d.chats[n%uint64(len(d.chats))]
				dst = appendID(dst, "GET /douyin/message/chat/?to_user_id=", c.peer)
				dst = appendID(dst, "&pre_msg_time=", c.lastMs)
				dst = append(dst, "&token="...)
				dst = append(dst, d.users[c.user].token...)
				return append(dst, end...)
			}
		},
		check: func(*dataset) judge { return holding(ofMessage, false, func(uint64) int { return 0 }) },
	}
}
