package middleware

import (
	"context"
	"math"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/clientnet"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
)

// Limit is one rule with the store that counts for it.
type Limit struct {
	// Name is part of the key, so that rules do not share their counts.
	Name  string
	Rule  limiter.Rule
	Store limiter.Limiter
}

// Allow takes one from the bucket of the given client. A rule without a rate, or a store that fails, allows everything:
// better a flood than nobody.
func (l Limit) Allow(ctx context.Context, c *app.RequestContext, client string) error {
	if l.Store == nil || l.Rule.Rate <= 0 {
		return nil
	}
	r, err := l.Store.Allow(ctx, l.Name+":"+client, l.Rule)
	if err != nil || r.OK {
		return nil //nolint:nilerr // the store has logged it
	}
	c.Header("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	return errno.TooManyRequests
}

// LimitAddr applies a rule per client network: an IPv4 address, an IPv6 /64.
func LimitAddr(p *pack.Packer, l Limit) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		if err := l.Allow(ctx, c, clientnet.Key(call.Of(c).Addr)); err != nil {
			p.Error(c, err)
		}
	}
}

// LimitUser applies a rule per logged-in user; visitors pass.
func LimitUser(p *pack.Packer, l Limit) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		viewer := call.Of(c).Viewer
		if viewer == 0 {
			return
		}
		if err := l.Allow(ctx, c, strconv.FormatInt(viewer, 10)); err != nil {
			p.Error(c, err)
		}
	}
}

// Reset fills the bucket of the given client up again.
func (l Limit) Reset(ctx context.Context, client string) {
	if l.Store != nil && l.Rule.Rate > 0 {
		_ = l.Store.Reset(ctx, l.Name+":"+client) // the store has logged it, and the bucket fills by itself
	}
}
