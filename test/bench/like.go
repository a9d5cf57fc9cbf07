package main

// likeHot is a video that goes viral: every user likes it, then every user takes the like back, and so on.
func likeHot() scenario {
	return scenario{
		name: "like-hot", about: "all users like and unlike one video", conns: storm, audited: true,
		build: func(d *dataset, host string) request {
			return likes(d, host, func(_, _ uint64) int64 { return d.videos[0].id })
		},
	}
}

// likeSpread is the same load without a hot row.
func likeSpread() scenario {
	return scenario{
		name: "like-spread", about: "all users like and unlike videos all over", conns: storm, audited: true,
		build: func(d *dataset, host string) request {
			return likes(d, host, func(user, turn uint64) int64 {
				return d.videos[elsewhere(user, turn, uint64(len(d.videos)))].id
			})
		},
	}
}

func likes(d *dataset, host string, video func(user, turn uint64) int64) request {
	like, unlike := "&action_type=1"+target(host, noBody), "&action_type=2"+target(host, noBody)
	return func(dst []byte, n uint64) []byte {
		user, turn, undo := pair(n, uint64(len(d.users)))
		dst = append(dst, "POST /douyin/favorite/action/?token="...)
		dst = append(dst, d.users[user].token...)
		dst = appendID(dst, "&video_id=", video(user, turn))
		if undo {
			return append(dst, unlike...)
		}
		return append(dst, like...)
	}
}
