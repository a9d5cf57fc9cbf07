package middleware

import (
	"context"
	"errors"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/sessions"
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
func Auth(p *pack.Packer, guard Guard, access Access) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		in := call.Of(c)
		if access == Visitor || access == Member {
			if err := guard.Identify(in); err != nil {
				p.Error(c, err)
				return
			}
		}
		if access == Member && in.Viewer == 0 {
			p.Error(c, errno.Unauthenticated)
		}
	}
}

// Guard checks who sends a request.
type Guard struct {
	Tokens   *auth.Tokens
	Sessions *sessions.Watch
}

// Identify sets the request's Viewer and Session by its token, both 0 without a valid one. The token is the parameter token,
// else the one in the Authorization header. The error is errno.Unavailable.
func (g Guard) Identify(in *call.Call) error {
	user, session, err := g.Check(Token(in))
	if errors.Is(err, errno.Unavailable) {
		return err
	}
	in.Viewer, in.Session = user, session
	return nil
}

// Check returns the user and the session of a token; session is 0 for a token of before sessions. Errors are
// errno.Unauthenticated, and errno.Unavailable while it is not known which sessions are revoked.
func (g Guard) Check(token string) (user, session int64, err error) {
	if token == "" || len(token) > maxToken {
		return 0, 0, errno.Unauthenticated
	}
	user, session, err = g.Tokens.Parse(token)
	if err != nil {
		return 0, 0, errno.Unauthenticated
	}
	if err := g.Sessions.Check(user, session); err != nil {
		return 0, 0, err
	}
	return user, session, nil
}

// Token is the request's token, unchecked, or "".
func Token(in *call.Call) string {
	if token := in.Params.Raw("token"); token != "" {
		return token
	}
	return bearer(in)
}

// bearer is the token in the header Authorization, or "".
func bearer(in *call.Call) string {
	scheme, token, _ := strings.Cut(string(in.Request.GetHeader("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
