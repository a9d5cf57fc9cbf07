package clientnet_test

import (
	"net/netip"
	"testing"

	"tiktok/pkg/clientnet"
)

func TestKey(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8::1", "2001:db8::/64"},
		{"2001:db8::ffff:1:2:3", "2001:db8::/64"},
		{"2001:db8:0:1::1", "2001:db8:0:1::/64"},
		{"fe80::1%eth0", "fe80::/64"},
		{"fe80::2%eth1", "fe80::/64"},
		{"::1", "::/64"},
	} {
		a := netip.MustParseAddr(tt.addr)
		if got := clientnet.Key(a); got != tt.want {
			t.Errorf("Key(%s) is %q, want %q", tt.addr, got, tt.want)
		}
		if p := clientnet.Of(a); !p.Contains(a.Unmap().WithZone("")) {
			t.Errorf("Of(%s) is %v, which does not hold it", tt.addr, p)
		}
	}
	if got := clientnet.Key(netip.Addr{}); got != "" {
		t.Errorf("no address is %q", got)
	}
	if clientnet.Of(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}
