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
	// Base starts every URL; empty takes scheme and Host of each request.
	Base string
	// Fallback is the Base of a request without a usable Host.
	Fallback string
}

// Begin gives the request its Call and its id, and the answer the headers that each has. An id that the client sent is kept when it is harmless; it comes back in
// the response's header, and goes on to every service.
func Begin(o Origin) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		id := string(c.GetHeader(requestIDHeader))
		if !plain(id, maxRequestID, "-_.") {
			id = rand.Text()
		}
		c.Header(requestIDHeader, id)
		secure(&c.Response.Header)
		in := call.Begin(c)
		peer := peerOf(c)
		in.Addr = peer
		if o.trusts(peer) {
			in.Addr = o.client(peer, strings.Join(c.Request.Header.GetAll("X-Forwarded-For"), ","))
		}
		in.Base = o.base(c, peer)
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

// client is the last address of the chain that no trusted proxy has: what stands before it may be invented.
func (o Origin) client(peer netip.Addr, forwardedFor string) netip.Addr {
	client := peer
	hops := strings.Split(forwardedFor, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return client
		}
		client = a.Unmap()
		if !o.trusts(client) {
			return client
		}
	}
	return client
}

func (o Origin) base(c *app.RequestContext, peer netip.Addr) string {
	if o.Base != "" {
		return o.Base
	}
	host := string(c.Request.Header.Host())
	if !plain(host, maxHost, "-_.:[]") {
		return o.Fallback
	}
	if o.trusts(peer) && strings.EqualFold(string(c.GetHeader("X-Forwarded-Proto")), "https") {
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
