package main

// feedAuth reads the first page of the feed as a logged-in user: 30 videos by 30 authors.
func feedAuth() scenario {
	return scenario{
		name: "feed-auth", about: "first feed page of 30 videos by 30 authors, logged in", conns: 32,
		build: func(d *dataset, host string) request {
			end := target(host, "")
			return func(dst []byte, n uint64) []byte {
				dst = append(dst, "GET /douyin/feed/?token="...)
				dst = append(dst, d.users[n%uint64(len(d.users))].token...)
				return append(dst, end...)
			}
		},
	}
}
