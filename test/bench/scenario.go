package main

import (
	"bytes"
	"fmt"
	"strconv"

	"tiktok/pkg/errno"
)

// scenario is one kind of load. Each has a file of its own; scenarios lists them.
type scenario struct {
	name, about string
	// conns is the number of connections when none is asked for.
	conns int
	// audited means that it writes, so that the counters are recounted afterwards.
	audited bool
	// build prepares what it can once and returns what makes the n-th request.
	build func(d *dataset, host string) request
	// check judges an answer. nil is envelope.
	check func(status int, body []byte) verdict
}

// request appends the n-th request as it goes over the wire to dst. It is called by many goroutines at once.
type request func(dst []byte, n uint64) []byte

// verdict is what an answer was.
type verdict int

const (
	accepted verdict = iota
	// refused is "too busy, try again": the server protects itself, and nothing of the request is stored.
	refused
	failed
)

// storm is the number of connections of the storms.
const storm = 256

// scenarios is what can be run, in the order of a full run.
func scenarios() []scenario {
	return []scenario{likeHot(), likeSpread(), commentHot(), commentSpread(), feedAuth(), mixedStorm()}
}

// scenarioNamed finds a scenario.
func scenarioNamed(name string) (scenario, bool) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, true
		}
	}
	return scenario{}, false
}

// envelope judges an answer by its first bytes: to decode it would cost the processors under test.
func envelope() func(int, []byte) verdict {
	start := func(code int32) []byte { return fmt.Appendf(nil, `{"status_code":%d,`, code) }
	ok, busy, many := start(0), start(errno.Unavailable.Code), start(errno.TooManyRequests.Code)
	return func(_ int, body []byte) verdict {
		switch {
		case bytes.HasPrefix(body, ok):
			return accepted
		case bytes.HasPrefix(body, busy), bytes.HasPrefix(body, many):
			return refused
		}
		return failed
	}
}

// target is the constant end of a request.
func target(host, headers string) string {
	return " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n"
}

// noBody is what a POST without a body says.
const noBody = "Content-Length: 0\r\n"

// pair spreads the n-th write of two-step actions (do, undo): each user in turn, and the same step for all of them
// before the next. place tells the videos of a user's rounds apart.
func pair(n, users uint64) (user, place uint64, undo bool) {
	round := n / users
	return n % users, round / 2, round%2 == 1
}

// elsewhere is the index of a video for a user's turn, so that neither users nor videos of neighbours collide.
func elsewhere(user, turn, videos uint64) uint64 { return (user*7919 + turn*104729) % videos }

func appendID(dst []byte, key string, id int64) []byte {
	return strconv.AppendInt(append(dst, key...), id, 10)
}
