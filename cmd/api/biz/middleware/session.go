package middleware

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/pack"
	"tiktok/pkg/errno"
)

// sessionCookie holds the token of a web session. It has no prefix like __Host-: browsers take those only over https.
const sessionCookie = "session"

// Session finds the viewer of a request of /api/v1: by the header Authorization, else by the cookie of a web session. Nothing in an
// address is read. A token that is not valid any more is an error also where visitors may come, so that a client learns that its
// session has ended.
func Session(p *pack.Packer, guard Guard, access Access) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if access == Anyone {
			return
		}
		in := call.Of(c)
		if err := findViewer(in, guard); err != nil {
			p.Error(c, err)
		} else if access == Member && in.Viewer == 0 {
			p.Error(c, errno.Unauthenticated)
		}
	}
}

// findViewer reads the request's credentials, if it has any.
func findViewer(in *call.Call, guard Guard) error {
	token, isCookie := credentials(in)
	if token == "" {
		return nil
	}
	user, session, err := guard.Check(token)
	if errors.Is(err, errno.Unauthenticated) {
		if isCookie {
			ClearSession(in)
		}
		return errno.Unauthenticated.With("the session has ended, please log in")
	}
	if err != nil {
		return err
	}
	if isCookie && !safe(in) && !sameOrigin(in) {
		return errno.Forbidden.With("the request has the cookie of a web session, but is not from a page of this site")
	}
	in.Viewer, in.Session = user, session
	return nil
}

// SessionToken is the token of a request of /api/v1, unchecked, or "".
func SessionToken(in *call.Call) string {
	token, _ := credentials(in)
	return token
}

// credentials is the request's token, and whether it is that of a web session.
func credentials(in *call.Call) (token string, isCookie bool) {
	if token := bearer(in); token != "" {
		return token, false
	}
	return string(in.Request.Cookie(sessionCookie)), true
}

// safe reports whether the request's method changes nothing.
func safe(in *call.Call) bool {
	m := string(in.Request.Method())
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}

// sameOrigin reports whether a page of this site has sent the request: browsers say so in Sec-Fetch-Site, which no script can set, or name
// the page's origin.
func sameOrigin(in *call.Call) bool {
	switch string(in.Request.GetHeader("Sec-Fetch-Site")) {
	case "same-origin", "none": // none: a person has typed the address
		return true
	}
	origin := string(in.Request.GetHeader("Origin"))
	return origin != "" && strings.EqualFold(origin, originOf(in.Base))
}

// originOf is scheme and host of an address.
func originOf(base string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// MayHaveSession fails with Forbidden for a page of another site, which must not log a visitor of this one in. A client that
// is no browser does not say where it comes from.
func MayHaveSession(in *call.Call) error {
	says := len(in.Request.GetHeader("Origin")) > 0 || len(in.Request.GetHeader("Sec-Fetch-Site")) > 0
	if says && !sameOrigin(in) {
		return errno.Forbidden.With("a page of another site cannot open a web session")
	}
	return nil
}

// SetSession gives the browser a web session, for maxAge.
func SetSession(in *call.Call, token string, maxAge time.Duration) {
	setCookie(in, token, int(maxAge.Seconds()))
}

// ClearSession takes the web session from the browser, if it has one.
func ClearSession(in *call.Call) {
	if len(in.Request.Cookie(sessionCookie)) > 0 {
		setCookie(in, "", 0)
	}
}

func setCookie(in *call.Call, value string, maxAge int) {
	c := protocol.AcquireCookie()
	defer protocol.ReleaseCookie(c)
	c.SetKey(sessionCookie)
	c.SetValue(value)
	c.SetPath("/")
	c.SetHTTPOnly(true)
	c.SetSameSite(protocol.CookieSameSiteLaxMode)
	c.SetSecure(strings.HasPrefix(in.Base, "https://"))
	if maxAge > 0 {
		c.SetMaxAge(maxAge)
	} else {
		c.SetExpire(protocol.CookieExpireDelete)
	}
	in.Request.Response.Header.SetCookie(c)
}
