// Package middleware is what is done for requests before and after their handlers.
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

// Origin says which proxies are trusted and where URLs lead.
type Origin struct {
	// Proxies are the networks whose X-Forwarded-For and X-Forwarded-Proto are trusted.
	Proxies []netip.Prefix
	// Hops is the number of proxies in front, whatever their addresses are: each appends one address to X-Forwarded-For. 0 goes
	// by Proxies.
	Hops int
	// Base starts every URL; empty takes scheme and Host of each request.
	Base string
	// Fallback is the Base of a request without a usable Host.
	Fallback string
}

// RequestContext gives the request its Call and its id, and the answer the headers that every answer has. An id that the client
// sent is kept if it has only harmless characters; it is in the response's header and is passed to every service.
func RequestContext(o Origin) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		id := string(c.GetHeader(requestIDHeader))
		if !plain(id, maxRequestID, "-_.") {
			id = rand.Text()
		}
		c.Header(requestIDHeader, id)
		secure(&c.Response.Header)
		in := call.New(c)
		in.ID = id
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

// maxHops is how many addresses of a chain are read, from the last one on.
const maxHops = 16

// client is the last address of the chain that is not a trusted proxy's, or with Hops the Hops-th from the end: what stands before
// it may be forged. If the chain is too short or not readable, it is the last address that could be read.
func (o Origin) client(peer netip.Addr, forwardedFor []string) netip.Addr {
	client := peer
	for hop := 1; hop <= maxHops; hop++ {
		text, rest, ok := lastHop(forwardedFor)
		a, err := netip.ParseAddr(text)
		if !ok || err != nil {
			if o.Hops > 0 {
				return peer // the request came past the proxies
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

// lastHop removes the last address from the lines of a header.
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

// plain reports whether s has 1 to limit characters, all of them letters, digits or in more.
func plain(s string, limit int, more string) bool {
	for _, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && !strings.ContainsRune(more, r) {
			return false
		}
	}
	return s != "" && len(s) <= limit
}
