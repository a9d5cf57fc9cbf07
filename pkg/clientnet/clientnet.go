// Package clientnet names the network that limits count as one client.
package clientnet

import "net/netip"

// Bits of an address that tell one client from another. An IPv6 customer gets a /64 at least and may take any address of
// it, a new one for each request; an IPv4 customer has one address, or shares it with others.
const (
	bits4 = 32
	bits6 = 64
)

// Of is the network that counts as one client: an IPv4 address by itself (also when it is written as an IPv6 address,
// ::ffff:192.0.2.1), an IPv6 address by its /64. Zones are dropped. The zero Addr gives the zero Prefix, so that clients
// without an address count as one.
func Of(a netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	p, _ := a.Prefix(bits) // fails only for a length that the address has not
	return p
}

// Key is Of as text, the key of a bucket or a queue: "192.0.2.1", "2001:db8::/64", and "" for the zero Addr. It says
// the same of any two addresses of one client.
func Key(a netip.Addr) string {
	p := Of(a)
	switch {
	case !p.IsValid():
		return ""
	case p.IsSingleIP():
		return p.Addr().String()
	default:
		return p.String()
	}
}
