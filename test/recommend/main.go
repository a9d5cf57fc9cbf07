// Command recommend evaluates feeds offline: simulated users with tastes watch, finish and like what a feed shows them, new videos and new
// users arrive, and the feed learns from what it is told. It drives the ranking of the service (package recommend) with candidates that are
// made as the service makes them, and compares it with the newest videos first and with the most popular first, both without what a user
// has seen, which makes them better than they are as plain lists, and with an oracle that knows the tastes.
//
// Tastes are hidden from the ranking. Tags say something of them, not all: some are missing, some mislead, some say nothing.
//
//	go run ./test/recommend             # the table and the charts of docs/adr/0025-feeds.md
//	go run ./test/recommend -seeds 1    # faster
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	seeds := flag.Int("seeds", 3, "how many worlds of each kind")
	days := flag.Int("days", 6, "how many days are simulated; the second half counts")
	users := flag.Int("users", 600, "users at the beginning; a thirtieth as many come every day")
	flag.Parse()
	if *seeds < 1 || *days < 2 || *users < 30 {
		fmt.Fprintln(os.Stderr, "seeds must be at least 1, days 2, users 30")
		os.Exit(2)
	}
	base := params{users: *users, newUsers: *users / 30, videos: *users * 2, authors: *users / 3, days: *days}
	fmt.Print(report(base, *seeds))
}
