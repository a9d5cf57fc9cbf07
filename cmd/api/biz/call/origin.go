package call

import "net/netip"

// Forwarded reports whether somebody says that he sends the request on for somebody else. Anybody may say so.
func (c *Call) Forwarded() bool {
	h := &c.Request.Request.Header
	for _, key := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if len(h.Peek(key)) > 0 {
			return true
		}
	}
	return false
}

// Local reports whether the request was made on this machine, by whoever is at the other end of the connection. A proxy on
// this machine sends on what strangers ask, so what is forwarded is not local, whomever the proxy is trusted to name.
func (c *Call) Local() bool { return c.Peer.IsLoopback() && !c.Forwarded() }

// Nearby reports whether the client is on this machine or on a private network with it. Who comes through a proxy that is not
// trusted is not.
func (c *Call) Nearby() bool {
	private := func(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }
	return private(c.Addr) && (c.Addr != c.Peer || !c.Forwarded())
}
