package main

import (
	"bytes"
	"net/http"
	"strconv"

	"tiktok/pkg/errno"
	"tiktok/test/dataset"
)

// part is how many of each round's requests of a mixture are of one kind.
type part struct {
	scenario
	weight uint64
}

// stride goes through a round in steps, so that the requests of a kind are not in a row. It has no divisor in common with
// the rounds that there are.
const stride = 37

// part is the kind of the n-th request and its number there: each kind is numbered without gaps, as if it ran alone.
func (s *scenario) part(n uint64) (*scenario, uint64) {
	if len(s.parts) == 0 {
		return s, n
	}
	var round uint64
	for _, p := range s.parts {
		round += p.weight
	}
	at, i := n%round*stride%round, 0
	for ; at >= s.parts[i].weight; i++ {
		at -= s.parts[i].weight
	}
	return &s.parts[i].scenario, n/round*s.parts[i].weight + at
}

// request appends the n-th request as it goes over the wire. cursor is that of a list's next page; empty: the first.
func (s *scenario) request(b []byte, host string, d *dataset.Set, n uint64, cursor string) []byte {
	s, n = s.part(n)
	b = s.target(b, d, n)
	if cursor != "" {
		b = append(append(b, "?cursor="...), cursor...)
	}
	post := bytes.HasPrefix(b, []byte("POST"))
	b = append(append(b, " HTTP/1.1\r\nHost: "...), host...)
	b = append(b, "\r\n"...)
	if s.header != nil {
		b = append(b, s.header(d, n)...)
	}
	body := []byte(s.body)
	if s.content != nil {
		body = s.content(nil, d, n)
	}
	if post {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(body)), 10), "\r\n"...)
	}
	return append(append(b, "\r\n"...), body...)
}

// list is what the n-th request asks for.
func (s *scenario) list(d *dataset.Set, n uint64) dataset.List {
	all := s.of(d)
	return all[n%uint64(len(all))]
}

// verdict is what an answer was.
type verdict int

const (
	accepted verdict = iota
	// refused is "too busy, try again": the server protects itself, and nothing of the request is stored.
	refused
	failed
)

// answer is the status and the size of an answer that is always the same.
type answer struct{ status, size int }

// judge judges the answer to the n-th request: by scanning, as to decode it would cost the processors under test.
func (s *scenario) judge(d *dataset.Set, n uint64, status int, body []byte) verdict {
	if s.answer != nil {
		if *s.answer == (answer{status, len(body)}) {
			return accepted
		}
		return failed
	}
	s, n = s.part(n)
	code, ok := bytes.CutPrefix(body, []byte(`{"status_code":`))
	switch {
	case s.v1 && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests):
		return refused
	case s.v1 && status == http.StatusNoContent && s.mark == "":
		return accepted
	case s.v1 && status == http.StatusOK:
		return s.complete(d, n, body)
	case status != http.StatusOK || !ok:
		return failed
	case is(code, errno.Unavailable.Code), is(code, errno.TooManyRequests.Code):
		return refused
	case !is(code, 0):
		return failed
	}
	return s.complete(d, n, body)
}

// complete judges a success by its entries.
func (s *scenario) complete(d *dataset.Set, n uint64, body []byte) verdict {
	if s.without != "" && bytes.Contains(body, []byte(s.without)) {
		return refused
	}
	if s.mark == "" {
		return accepted
	}
	due := s.entries
	if s.of != nil {
		due = s.list(d, n).N
	}
	if got := bytes.Count(body, []byte(s.mark)); got == due || s.atLeast && got > due {
		return accepted
	}
	return failed
}

// scroll is where a connection is in a list: the request that has asked for it, how many pages it has read, and the cursor of the next one.
type scroll struct {
	n, pages uint64
	cursor   string
}

// goOn is the number of the request that is sent instead of the n-th: that of the list that is being read, or n.
func (a *scroll) goOn(n uint64) uint64 {
	if a.cursor == "" {
		a.n, a.pages = n, 0
	}
	return a.n
}

// read notes the cursor of the next page, unless enough were read.
func (a *scroll) read(body []byte, most int) {
	a.cursor = ""
	if a.pages++; a.pages >= uint64(most) { //nolint:gosec // a few
		return
	}
	if _, rest, found := bytes.Cut(body, []byte(`"next_cursor":"`)); found {
		cursor, _, _ := bytes.Cut(rest, []byte(`"`))
		a.cursor = string(cursor)
	}
}

// is reports whether an answer goes on with that code.
func is(b []byte, code int32) bool {
	var digits [16]byte
	return bytes.HasPrefix(b, append(strconv.AppendInt(digits[:0], int64(code), 10), ','))
}
