package main

import (
	"fmt"
	"strconv"
	"time"

	"tiktok/test/dataset"
)

// watchesOfCall is how many watches a request tells of: what a client collects in some seconds.
const watchesOfCall = 10

// watches are what all users in turn have watched, each time in new sessions: six of ten count as views, of which a third are finished. So
// a request is watchesOfCall watches: 1,000 requests a second are 10,000 watches.
func watches() scenario {
	// The moment makes new sessions new, also in a deployment that was measured before.
	moment := strconv.FormatInt(time.Now().UnixMilli(), 36)
	return scenario{
		name: "watches", conns: burst, writes: true, v1: true,
		about: fmt.Sprintf("%d watches a request by all users, popular videos more often, six of ten are views", watchesOfCall),
		target: func(b []byte, _ *dataset.Set, _ uint64) []byte {
			return append(b, "POST /api/v1/watches"...)
		},
		header: func(d *dataset.Set, n uint64) string {
			return "Authorization: Bearer " + d.User(n).Token + "\r\nContent-Type: application/json\r\n"
		},
		content: func(b []byte, d *dataset.Set, n uint64) []byte {
			b = append(b, `{"items":[`...)
			for i := range uint64(watchesOfCall) {
				if i > 0 {
					b = append(b, ',')
				}
				b = fmt.Appendf(b, `{"video_id":%d,"session":"%s-%d","watched_ms":%d,"is_finished":%t}`,
					d.View((n*watchesOfCall+i)*7919).ID, moment, n*watchesOfCall+i, 1000+i*600, i >= 8)
			}
			return append(b, "]}"...)
		},
	}
}
