package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tiktok/pkg/errno"
)

// scenario is one kind of load. scenarios lists them.
type scenario struct {
	name, about string
	// conns is the number of connections when none is asked for.
	conns int
	// audited means that it writes, so that the counters are recounted afterwards.
	audited bool
	// needs is an error when the data set has not what it asks for. nil: it always has.
	needs func(d *dataset) error
	// build prepares what it can once and returns what makes the n-th request.
	build func(d *dataset, host string) request
	// check is what judges the answers. nil is envelope.
	check func(d *dataset) judge
	// sql is the statement that the answer is made from, straight at the store, for the floor. nil: there is none.
	sql func(d *dataset, db stores) statement
	// rpc is the call whose message is echoed for the floor. nil: there is none.
	rpc echo
	// hashes means that a password is hashed for each request.
	hashes bool
}

// request appends the n-th request as it goes over the wire to dst. It is called by many goroutines at once.
type request func(dst []byte, n uint64) []byte

// judge judges the answer to the n-th request: by scanning, as to decode it would cost the processors under test.
type judge func(n uint64, status int, body []byte) verdict

// verdict is what an answer was.
type verdict int

const (
	accepted verdict = iota
	// refused is "too busy, try again": the server protects itself, and nothing of the request is stored.
	refused
	failed
)

const (
	// readers is the number of connections of the scenarios that one asks for alone, storm that of the storms.
	readers, storm = 32, 256
)

// scenarios is what can be run, in the order of a full run: what writes comes after what reads.
func scenarios() []scenario {
	return []scenario{
		feedAnon(), feedAuth(), feedCrowd(), userInfo(), publishList(), favoriteList(), commentList(), followList(), followerList(), friendList(),
		messageChat(), mediaRange(), login(), register(), favoriteAction(), commentAction(), relationAction(), messageAction(), mixed(),
		likeHot(), likeSpread(), commentHot(), commentSpread(), mixedStorm(), publish(),
	}
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

// judges is what judges the answers.
func (s scenario) judges(d *dataset) judge {
	if s.check == nil {
		return envelope()
	}
	return s.check(d)
}

// envelope judges an answer by its first bytes.
func envelope() judge {
	start := func(code int32) []byte { return fmt.Appendf(nil, `{"status_code":%d,`, code) }
	ok, busy, many := start(0), start(errno.Unavailable.Code), start(errno.TooManyRequests.Code)
	return func(_ uint64, status int, body []byte) verdict {
		switch {
		case status != http.StatusOK:
			return failed
		case bytes.HasPrefix(body, ok):
			return accepted
		case bytes.HasPrefix(body, busy), bytes.HasPrefix(body, many):
			return refused
		}
		return failed
	}
}

// What each entry of a list has once.
const (
	ofVideo   = `"play_url":`
	ofUser    = `"follower_count":`
	ofComment = `"create_date":`
	ofMessage = `"from_user_id":`
)

// holding also wants as many entries as want says, or at least so many.
func holding(mark string, atLeast bool, want func(n uint64) int) judge {
	status, sign := envelope(), []byte(mark)
	return func(n uint64, code int, body []byte) verdict {
		v := status(n, code, body)
		if v != accepted {
			return v
		}
		if got, due := bytes.Count(body, sign), want(n); got != due && (!atLeast || got < due) {
			return failed
		}
		return accepted
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

// user is who sends the n-th request.
func (d *dataset) user(n uint64) caller { return d.users[n%uint64(len(d.users))] }

// view is the video that is looked at, and fame the user, by id, when somebody comes by for the n-th time.
func (d *dataset) view(n uint64) work  { return d.videos[d.byViews[n%accesses]] }
func (d *dataset) fame(n uint64) int64 { return d.people[d.byFame[n%accesses]] }

// some is an error when there are none of the lists that a scenario asks for.
func some(of func(l *lists) []list) func(d *dataset) error {
	return func(d *dataset) error {
		if len(of(&d.lists)) == 0 {
			return errors.New("the data set has no list of the length that is asked for")
		}
		return nil
	}
}
