package middleware

import (
	"context"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/auth"
	"tiktok/pkg/errno"
)

// Access says who may use a route.
type Access int

const (
	// Anyone may use it; tokens are not read.
	Anyone Access = iota
	// Visitor allows visitors: a valid token makes its owner the viewer, without one the viewer is a visitor.
	Visitor
	// Member needs a valid token.
	Member
	// OwnCheck leaves it to the handler, because the token may be in a body that the handler reads.
	OwnCheck
)

// maxToken bounds what is parsed as a token; ours have about 200 bytes.
const maxToken = 4 << 10

// Auth finds the viewer.
func Auth(p *pack.Packer, tokens *auth.Tokens, access Access) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if access == Visitor || access == Member {
			in.Viewer = ViewerOf(in, tokens)
		}
		if access == Member && in.Viewer == 0 {
			p.Error(c, errno.Unauthenticated)
		}
	}
}

// ViewerOf is the owner of the request's token, 0 without a valid one. The token is the parameter token, else the one in the
// Authorization header.
func ViewerOf(in *call.Call, tokens *auth.Tokens) int64 {
	token := Token(in)
	if token == "" || len(token) > maxToken {
		return 0
	}
	id, err := tokens.Parse(token)
	if err != nil {
		return 0
	}
	return id
}

// Token is the request's token, unchecked, or "".
func Token(in *call.Call) string {
	if token := in.Params.Raw("token"); token != "" {
		return token
	}
	scheme, token, _ := strings.Cut(string(in.Request.GetHeader("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
