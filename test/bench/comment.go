package main

// commentHot writes comments below one video.
func commentHot() scenario {
	return scenario{
		name: "comment-hot", about: "all users comment on one video", conns: storm, audited: true,
		build: func(d *dataset, host string) request {
			return comments(d, host, func(uint64) int64 { return d.videos[0].id })
		},
	}
}

// commentSpread writes comments below all videos.
func commentSpread() scenario {
	return scenario{
		name: "comment-spread", about: "all users comment on videos all over", conns: storm, audited: true,
		build: func(d *dataset, host string) request {
			return comments(d, host, func(n uint64) int64 {
				users, videos := uint64(len(d.users)), uint64(len(d.videos))
				return d.videos[elsewhere(n%users, n/users, videos)].id
			})
		},
	}
}

func comments(d *dataset, host string, video func(n uint64) int64) request {
	end := "&action_type=1&comment_text=what+a+view%2C+where+is+this%3F" + target(host, noBody)
	return func(dst []byte, n uint64) []byte {
		dst = append(dst, "POST /douyin/comment/action/?token="...)
		dst = append(dst, d.users[n%uint64(len(d.users))].token...)
		dst = appendID(dst, "&video_id=", video(n))
		return append(dst, end...)
	}
}
