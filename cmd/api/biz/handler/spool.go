package handler

import (
	"net/netip"
	"sync"

	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
)

// tokenFirst is for who would have more stored before its user is known than there is room for.
func tokenFirst() error {
	return errno.Unavailable.With("too much is being uploaded by unknown users: send the field token before the file, or try again")
}

// spool counts what is stored of uploads whose user is not known yet, because the file came before the token. No client
// may hold more of it than is left for the others: one alone gets half of it, two a third each, so that whoever comes finds
// room, whatever the others do. It is safe for concurrent use.
type spool struct {
	most   int64 // bytes in all
	atOnce int   // uploads of one client

	mu      sync.Mutex
	total   int64
	clients map[netip.Prefix]*spooled
}

// spooled is what one client holds.
type spooled struct {
	bytes   int64
	uploads int
}

func newSpool(most int64, atOnce int) *spool {
	return &spool{most: most, atOnce: atOnce, clients: map[netip.Prefix]*spooled{}}
}

// begin enters an upload of a client. The stranger must be ended.
func (s *spool) begin(addr netip.Addr) (*stranger, error) {
	client := clientnet.Of(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[client]
	if c == nil {
		c = &spooled{}
	}
	if c.uploads >= s.atOnce || s.most <= 0 {
		return nil, tokenFirst()
	}
	c.uploads++
	s.clients[client] = c
	return &stranger{spool: s, client: client}, nil
}

// stranger is one upload of unknown user. It belongs to one goroutine.
type stranger struct {
	spool  *spool
	client netip.Prefix
	bytes  int64
	ended  bool
}

// take counts n more bytes, or refuses them. After end it counts nothing.
func (x *stranger) take(n int64) error {
	if x.ended {
		return nil
	}
	s := x.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[x.client]
	if c.bytes+n > s.most-(s.total+n) {
		return tokenFirst()
	}
	c.bytes += n
	s.total += n
	x.bytes += n
	return nil
}

// end gives everything back: the user is known now, or the upload is over.
func (x *stranger) end() {
	if x == nil || x.ended {
		return
	}
	x.ended = true
	s := x.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[x.client]
	c.bytes -= x.bytes
	c.uploads--
	s.total -= x.bytes
	if c.uploads == 0 {
		delete(s.clients, x.client)
	}
}

// inFlight counts the bytes that each user's uploads have announced and that are in no quota yet. It is safe for concurrent use.
type inFlight struct {
	mu    sync.Mutex
	users map[int64]int64
}

// add counts n more bytes of a user, and returns all of theirs and how to take them back.
func (f *inFlight) add(user, n int64) (total int64, done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users[user] += n
	return f.users[user], sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.users[user] -= n; f.users[user] == 0 {
			delete(f.users, user)
		}
	})
}
