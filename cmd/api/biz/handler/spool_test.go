package handler

import (
	"errors"
	"net/netip"
	"testing"

	"tiktok/pkg/errno"
)

// One client holds at most half of the spool, two a third each: there is always space for another.
func TestSpoolLeavesRoomForOthers(t *testing.T) {
	const mib = 1 << 20
	s := newSpool(12*mib, 2)
	lease := func(addr string) *spoolLease {
		t.Helper()
		x, err := s.lease(netip.MustParseAddr(addr))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	fill := func(x *spoolLease) (got int64) {
		for x.reserve(mib/4) == nil {
			got += mib / 4
		}
		return got
	}
	a := lease("192.0.2.1")
	if got := fill(a); got != 6*mib {
		t.Errorf("one client alone holds %d bytes", got)
	}
	again := lease("192.0.2.1")
	if got := fill(again); got != 0 {
		t.Errorf("a second upload of it holds %d bytes more", got)
	}
	if _, err := s.lease(netip.MustParseAddr("192.0.2.1")); !errors.Is(err, errno.Unavailable) {
		t.Errorf("a third upload at once: %v", err)
	}
	if got := fill(lease("2001:db8::1")); got != 3*mib {
		t.Errorf("a second client holds %d bytes", got)
	}
	if got := fill(lease("2001:db8::2")); got != 0 {
		t.Errorf("the same client by another address of its network holds %d bytes more", got)
	}
	if got := fill(lease("198.51.100.1")); got != 3*mib/2 {
		t.Errorf("a third client holds %d bytes", got)
	}
	a.release()
	a.release() // does nothing
	again.release()
	if s.bytes != 9*mib/2 || len(s.clients) != 2 {
		t.Errorf("%d bytes of %d clients are left", s.bytes, len(s.clients))
	}
	if err := a.reserve(100 * mib); err != nil {
		t.Errorf("of a user who is known by now: %v", err)
	}
	if _, err := newSpool(0, 2).lease(netip.MustParseAddr("192.0.2.1")); !errors.Is(err, errno.Unavailable) {
		t.Errorf("where the token must come first: %v", err)
	}
}
