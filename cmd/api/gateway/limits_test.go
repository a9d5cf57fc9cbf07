package gateway_test

import (
	"testing"

	"tiktok/cmd/api/gateway"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// An IPv6 customer has 2^64 addresses: they are one client.
func TestAddressLimitsCountIPv6ByNetwork(t *testing.T) {
	e := start(t, &fakes{}, trust("127.0.0.0/8"), func(d *gateway.Deps) { d.Limits.RegisterAddr = limiter.Rule{Rate: 0.001, Burst: 1} })
	for i, try := range []struct {
		addr string
		ok   bool
	}{
		{"2001:db8::1", true},
		{"2001:db8::2", false},
		{"2001:db8:0:0:ffff::3", false},
		{"2001:db8:0:1::1", true},
		{"192.0.2.1", true},
		{"::ffff:192.0.2.1", false},
		{"192.0.2.2", true},
	} {
		want := int32(0)
		if !try.ok {
			want = errno.TooManyRequests.Code
		}
		got := e.do(request{
			method: "POST", path: "/douyin/user/register/", query: values("username", "a", "password", "b"),
			header: map[string]string{"X-Forwarded-For": try.addr},
		})
		if got.code() != int(want) {
			t.Errorf("%d. %s: %s, want %d", i, try.addr, got.body, want)
		}
	}
}
