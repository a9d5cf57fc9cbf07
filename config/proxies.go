package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds gateway.proxy_hops: more proxies stand in front of nobody.
const maxHops = 8

// Proxies are TrustedProxies as networks. A network that holds a whole private range is refused: every phone of the same
// network could then say that it is somebody else, and so could a stranger who comes through a router or a container's port.
func (g Gateway) Proxies() ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(g.TrustedProxies))
	for _, text := range g.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if a, aerr := netip.ParseAddr(text); aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network like 203.0.113.0/28", text)
		}
		p = p.Masked()
		if slices.ContainsFunc(privateRanges(), func(r netip.Prefix) bool { return p.Bits() <= r.Bits() && p.Overlaps(r) }) {
			return nil, fmt.Errorf("%s holds a whole private range: name the addresses of the proxies themselves, or set gateway.proxy_hops", text)
		}
		out = append(out, p)
	}
	return out, nil
}

func privateRanges() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/8", "fd00::/8",
		"fe80::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func (g Gateway) validateProxies(p *problems) {
	_, err := g.Proxies()
	p.require(err == nil, "gateway.trusted_proxies", "%v", err)
	p.require(g.ProxyHops >= 0 && g.ProxyHops <= maxHops, "gateway.proxy_hops", "is %d, want 0..%d", g.ProxyHops, maxHops)
	p.require(g.ProxyHops == 0 || len(g.TrustedProxies) == 0, "gateway.proxy_hops", "goes without gateway.trusted_proxies")
}

// FromHost as gateway.public_base_url starts links with the Host of each request.
const FromHost = "from-host"

// BaseURL starts every link, without a slash at its end; "" stands for the Host of each request.
func (g Gateway) BaseURL() string {
	if g.PublicBaseURL == FromHost {
		return ""
	}
	return strings.TrimRight(g.PublicBaseURL, "/")
}

// validateBaseURL wants the public address of a deployment for many: who can make somebody ask with another Host, or can put
// such an answer into a cache, would send him elsewhere for all media.
func (g Gateway) validateBaseURL(p *problems, distributed bool) {
	const key = "gateway.public_base_url"
	if g.BaseURL() != "" {
		p.httpURL(key, g.PublicBaseURL)
		return
	}
	p.require(
		!distributed || g.PublicBaseURL == FromHost,
		key,
		"is needed: the address that phones use, e.g. https://v.example.com; or %s, where nobody minds whom a request names as its Host",
		FromHost,
	)
}
