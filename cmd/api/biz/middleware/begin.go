// Package middleware is what happens to every request around its handler.
package middleware

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/pkg/logx"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 64
	maxHost         = 255
)

// Origin says where requests come from and where URLs lead.
type Origin struct {
	// Proxies are the networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
	Proxies []netip.Prefix
	// Hops is how many proxies stand in front, whatever their addresses are: each adds one address at the end of X-Forwarded-For.
	// 0 goes by Proxies.
	Hops int
	// Base starts every URL; empty takes scheme and Host of each request.
	Base string
	// Fallback is the Base of a request without a usable Host.
	Fallback string
}

// Begin gives the request its Call and its id, and the answer the headers that each has. An id that the client sent is kept
// when it is harmless; it comes back in the response's header, and goes on to every service.
func Begin(o Origin) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		id := string(c.GetHeader(requestIDHeader))
		if !plain(id, maxRequestID, "-_.") {
			id = rand.Text()
		}
		c.Header(requestIDHeader, id)
		secure(&c.Response.Header)
		in := call.Begin(c)
		in.Peer = peerOf(c)
		in.Addr = in.Peer
		behind := o.Hops > 0 || o.trusts(in.Peer)
		if behind {
			in.Addr = o.client(in.Peer, c.Request.Header.GetAll("X-Forwarded-For"))
		}
		in.Base, in.FromHost = o.base(c, behind), o.Base == ""
		c.Next(logx.WithRequestID(ctx, id))
	}
}

func peerOf(c *app.RequestContext) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (o Origin) trusts(a netip.Addr) bool {
	for _, p := range o.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// maxHops is how many addresses are read, from the last one on.
const maxHops = 16

// client is the last address of the chain that no trusted proxy has, or that of the proxy that is farthest from here of a known
// number: what stands before it may be invented. A chain that is too short or not readable stands for the last address that is.
func (o Origin) client(peer netip.Addr, forwardedFor []string) netip.Addr {
	client := peer
	for hop := 1; hop <= maxHops; hop++ {
		text, rest, ok := lastHop(forwardedFor)
		a, err := netip.ParseAddr(text)
		if !ok || err != nil {
			if o.Hops > 0 {
				return peer // somebody has come past the proxies
			}
			return client
		}
		client, forwardedFor = a.Unmap(), rest
		if hop == o.Hops || o.Hops == 0 && !o.trusts(client) {
			return client
		}
	}
	return client
}

// lastHop takes the last address from the lines of a header.
func lastHop(lines []string) (hop string, rest []string, ok bool) {
	if len(lines) == 0 {
		return "", nil, false
	}
	last := len(lines) - 1
	i := strings.LastIndexByte(lines[last], ',')
	hop = strings.TrimSpace(lines[last][i+1:])
	if i < 0 {
		return hop, lines[:last], true
	}
	lines[last] = lines[last][:i]
	return hop, lines, true
}

func (o Origin) base(c *app.RequestContext, behind bool) string {
	if o.Base != "" {
		return o.Base
	}
	host := string(c.Request.Header.Host())
	if !plain(host, maxHost, "-_.:[]") {
		return o.Fallback
	}
	if behind && strings.EqualFold(string(c.GetHeader("X-Forwarded-Proto")), "https") {
		return "https://" + host
	}
	return "http://" + host
}

// plain reports whether s has 1 to limit letters, digits or characters of more.
func plain(s string, limit int, more string) bool {
	for _, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && !strings.ContainsRune(more, r) {
			return false
		}
	}
	return s != "" && len(s) <= limit
}
