package main

// feedAnon reads the first page of the feed as a visitor.
func feedAnon() scenario {
	return scenario{
		name: "feed-anon", about: "first feed page of 30 videos by 30 authors, a visitor", conns: readers, check: feedPage, sql: feedSQL, rpc: echoFeed,
		build: func(_ *dataset, host string) request {
			whole := "GET /douyin/feed/" + target(host, "")
			return func(dst []byte, _ uint64) []byte { return append(dst, whole...) }
		},
	}
}

// feedAuth reads the first page of the feed as a logged-in user: 30 videos by 30 authors.
func feedAuth() scenario {
	return scenario{
		name: "feed-auth", about: "first feed page of 30 videos by 30 authors, logged in", conns: readers, check: feedPage, sql: feedSQL, rpc: echoFeed,
		build: func(d *dataset, host string) request { return asUser(d, host, "GET /douyin/feed/?token=") },
	}
}

// feedCrowd is the same with more connections than a small server likes.
func feedCrowd() scenario {
	s := feedAuth()
	s.name, s.about, s.conns = "feed-auth-512", s.about+", 512 connections", 512
	return s
}

func feedPage(d *dataset) judge {
	size := min(feedSize, len(d.videos))
	return holding(ofVideo, false, func(uint64) int { return size })
}

// asUser sends the same request with each user's token in turn.
func asUser(d *dataset, host, start string) request {
	end := target(host, "")
	return func(dst []byte, n uint64) []byte {
		dst = append(dst, start...)
		dst = append(dst, d.user(n).token...)
		return append(dst, end...)
	}
}
