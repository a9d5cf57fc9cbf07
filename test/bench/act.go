package main

// favoriteAction likes and takes back, popular videos more often.
func favoriteAction() scenario {
	return scenario{
		name: "favorite-action", about: "likes and unlikes, popular videos more often", conns: readers, audited: true,
		build: func(d *dataset, host string) request {
			return likes(d, host, func(user, turn uint64) int64 { return d.view(elsewhere(user, turn, accesses)).id })
		},
	}
}

// commentAction comments, on popular videos more often.
func commentAction() scenario {
	return scenario{
		name: "comment-action", about: "comments, on popular videos more often", conns: readers, audited: true,
		build: func(d *dataset, host string) request {
			return comments(d, host, func(n uint64) int64 { return d.view(n * 7919).id })
		},
		check: func(*dataset) judge { return holding(ofComment, false, func(uint64) int { return 1 }) },
	}
}

// relationAction follows and unfollows, famous users more often.
func relationAction() scenario {
	return scenario{
		name: "relation-action", about: "follows and unfollows, famous users more often", conns: readers, audited: true,
		build: func(d *dataset, host string) request {
			follow, unfollow := "&action_type=1"+target(host, noBody), "&action_type=2"+target(host, noBody)
			users := uint64(len(d.users))
			return func(dst []byte, n uint64) []byte {
				who, turn, undo := pair(n, users)
				to := elsewhere(who, turn, accesses)
				if d.fame(to) == d.users[who].id {
					to++
				}
				dst = append(dst, "POST /douyin/relation/action/?token="...)
				dst = append(dst, d.users[who].token...)
				dst = appendID(dst, "&to_user_id=", d.fame(to))
				if undo {
					return append(dst, unfollow...)
				}
				return append(dst, follow...)
			}
		},
	}
}

// messageAction writes into the conversations that there are.
func messageAction() scenario {
	return scenario{
		name: "message-action", about: "messages in conversations all over", conns: readers, audited: true, needs: talking,
		build: func(d *dataset, host string) request {
			end := "&action_type=1&content=see+you+at+the+usual+place" + target(host, noBody)
			return func(dst []byte, n uint64) []byte {
				c := d.chats[n%uint64(len(d.chats))]
				dst = append(dst, "POST /douyin/message/action/?token="...)
				dst = append(dst, d.users[c.user].token...)
				dst = appendID(dst, "&to_user_id=", c.peer)
				return append(dst, end...)
			}
		},
	}
}
