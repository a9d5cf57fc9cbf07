package middleware

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// What an answer costs. The work for it grows with its size: rows read, cards looked up, JSON written and compressed. A
// page of the feed and a profile fit into freeBytes and cost the one that every request costs; a list of a thousand costs
// dozens.
const (
	freeBytes  = 32 << 10
	bytesToken = 8 << 10
)

// Limit is one rule with the store that counts for it.
type Limit struct {
	// Name is part of the key, so that rules do not share their counts.
	Name  string
	Rule  limiter.Rule
	Store limiter.Limiter
}

// Allow takes one from the bucket of the given client. A rule without a rate allows everything.
func (l Limit) Allow(ctx context.Context, c *app.RequestContext, client string) error {
	if l.Store == nil || l.Rule.Rate <= 0 {
		return nil
	}
	r, err := l.Store.Allow(ctx, l.Name+":"+client, l.Rule)
	if err != nil || r.OK {
		return nil //nolint:nilerr // the request has ended
	}
	return Later(c, r.RetryAfter)
}

// Later is the error of who asks too often; the answer's header says when to come again.
func Later(c *app.RequestContext, after time.Duration) error {
	RetryAfter(c, after)
	return errno.TooManyRequests
}

// RetryAfter says in the answer's header when to come again, in whole seconds.
func RetryAfter(c *app.RequestContext, after time.Duration) {
	c.Header("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
}

// LimitAddr applies a rule per client network: an IPv4 address, an IPv6 /64.
func LimitAddr(p *pack.Packer, l Limit) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		if err := l.AllowAddr(ctx, call.Of(c)); err != nil {
			p.Error(c, err)
		}
	}
}

// AllowAddr takes one from the bucket of the request's client network.
func (l Limit) AllowAddr(ctx context.Context, in *call.Call) error {
	return l.Allow(ctx, in.Request, byAddr(in))
}

// LimitUser applies a rule per logged-in user; visitors pass.
func LimitUser(p *pack.Packer, l Limit) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if in.Viewer == 0 {
			return
		}
		if err := l.Allow(ctx, c, byUser(in)); err != nil {
			p.Error(c, err)
		}
	}
}

// Charge takes from the buckets of the client and of the user what a large answer costs beyond the one token that was
// taken before: one for each 8 KiB beyond the first 32. What it costs is known only when it is made, so the next requests
// pay for it.
func Charge(ctx context.Context, c *app.RequestContext, addr, user Limit) {
	in := call.Of(c)
	if in.Size <= freeBytes {
		return
	}
	n := (in.Size - freeBytes + bytesToken - 1) / bytesToken
	addr.charge(ctx, byAddr(in), n)
	if in.Viewer != 0 {
		user.charge(ctx, byUser(in), n)
	}
}

func byAddr(in *call.Call) string { return clientnet.Key(in.Addr) }

func byUser(in *call.Call) string { return strconv.FormatInt(in.Viewer, 10) }

func (l Limit) charge(ctx context.Context, client string, n int) {
	if l.Store != nil && l.Rule.Rate > 0 {
		l.Store.Charge(ctx, l.Name+":"+client, l.Rule, n)
	}
}

// Reset fills the bucket of the given client up again.
func (l Limit) Reset(ctx context.Context, client string) {
	if l.Store != nil && l.Rule.Rate > 0 {
		_ = l.Store.Reset(ctx, l.Name+":"+client) // the store has logged it, and the bucket fills by itself
	}
}
