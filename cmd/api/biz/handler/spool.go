package handler

import (
	"net/netip"
	"sync"

	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
)

// errSpoolFull refuses an upload that would exceed the spool before its user is known.
func errSpoolFull() error {
	return errno.Unavailable.With("too much is being uploaded by unknown users: send the field token before the file, or try again")
}

// spool bounds what is stored of uploads whose user is not known yet, because the file came before the token. A client may
// hold as much as is free after that: one alone gets half, two a third each, so there is always space for another client.
// It is safe for concurrent use.
type spool struct {
	maxBytes         int64 // in all
	uploadsPerClient int

	mu      sync.Mutex
	bytes   int64
	clients map[netip.Prefix]*spoolClient
}

// spoolClient is what one client holds.
type spoolClient struct {
	bytes   int64
	uploads int
}

func newSpool(maxBytes int64, uploadsPerClient int) *spool {
	return &spool{maxBytes: maxBytes, uploadsPerClient: uploadsPerClient, clients: map[netip.Prefix]*spoolClient{}}
}

// lease begins an upload of a client. The lease must be released.
func (s *spool) lease(addr netip.Addr) (*spoolLease, error) {
	client := clientnet.Of(addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[client]
	if c == nil {
		c = &spoolClient{}
	}
	if c.uploads >= s.uploadsPerClient || s.maxBytes <= 0 {
		return nil, errSpoolFull()
	}
	c.uploads++
	s.clients[client] = c
	return &spoolLease{spool: s, client: client}, nil
}

// spoolLease is what one upload holds. It belongs to one goroutine.
type spoolLease struct {
	spool    *spool
	client   netip.Prefix
	bytes    int64
	released bool
}

// reserve takes n more bytes, or fails. After release it takes none.
func (x *spoolLease) reserve(n int64) error {
	if x.released {
		return nil
	}
	s := x.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[x.client]
	if c.bytes+n > s.maxBytes-(s.bytes+n) {
		return errSpoolFull()
	}
	c.bytes += n
	s.bytes += n
	x.bytes += n
	return nil
}

// release gives everything back: the user is known now, or the upload has ended. It may be called again, and for nil.
func (x *spoolLease) release() {
	if x == nil || x.released {
		return
	}
	x.released = true
	s := x.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[x.client]
	c.bytes -= x.bytes
	c.uploads--
	s.bytes -= x.bytes
	if c.uploads == 0 {
		delete(s.clients, x.client)
	}
}

// announced counts the bytes that each user's uploads have announced and that no quota counts yet. It is safe for concurrent use.
type announced struct {
	mu    sync.Mutex
	users map[int64]int64
}

// add counts n more bytes of a user and returns the sum of theirs. remove takes the n bytes off again.
func (f *announced) add(user, n int64) (total int64, remove func()) {
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
