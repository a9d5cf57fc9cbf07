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

// What an answer costs. The work for it grows with its size: rows read, profiles loaded, JSON encoded and compressed. A page
// of the feed and a profile fit into freeBytes and cost the one token that every request costs; a list of a thousand costs
// dozens.
const (
	freeBytes     = 32 << 10
	bytesPerToken = 8 << 10
)

// Limit is a rule with the store of its token buckets.
type Limit struct {
	// Name is part of the keys, so that rules do not share buckets.
	Name  string
	Rule  limiter.Rule
	Store limiter.Limiter
}

// Allow takes a token from the client's bucket, or returns TooManyRequests. A rule without a rate allows everything.
func (l Limit) Allow(ctx context.Context, c *app.RequestContext, client string) error {
	if l.Store == nil || l.Rule.Rate <= 0 {
		return nil
	}
	r, err := l.Store.Allow(ctx, l.Name+":"+client, l.Rule)
	if err != nil || r.OK {
		return nil //nolint:nilerr // the request has ended
	}
	return TooManyRequests(c, r.RetryAfter)
}

// TooManyRequests is the error of a client over a limit. It sets Retry-After.
func TooManyRequests(c *app.RequestContext, after time.Duration) error {
	RetryAfter(c, after)
	return errno.TooManyRequests
}

// RetryAfter sets the header of that name, in whole seconds.
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

// AllowAddr takes a token from the bucket of the request's client network.
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

// Charge takes what a large answer costs from the buckets of the client and of the user, beyond the one token that was taken
// before: one for each 8 KiB beyond the first 32. The size is known only after the work, so the next requests pay for it.
func Charge(ctx context.Context, c *app.RequestContext, addr, user Limit) {
	in := call.Of(c)
	if in.Size <= freeBytes {
		return
	}
	n := (in.Size - freeBytes + bytesPerToken - 1) / bytesPerToken
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

// Reset fills the client's bucket up again.
func (l Limit) Reset(ctx context.Context, client string) {
	if l.Store != nil && l.Rule.Rate > 0 {
		_ = l.Store.Reset(ctx, l.Name+":"+client) // the store has logged it, and the bucket fills by itself
	}
}
