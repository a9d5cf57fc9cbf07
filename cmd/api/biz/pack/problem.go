package pack

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/errno"
)

const (
	problemType = "application/problem+json"
	// problemURN starts the types of problems; the code follows.
	problemURN = "urn:tiktok:error:"
)

// writeProblem writes the problem document of e, which is what err may be answered as.
func (p *Packer) writeProblem(c *app.RequestContext, e *errno.Error, err error) {
	status := e.Status()
	var refused *hertzfix.Refusal
	if errors.As(err, &refused) {
		status = refused.Status
	}
	if status == http.StatusUnauthorized {
		c.Response.Header.Set("WWW-Authenticate", "Bearer")
	}
	p.write(c, status, problemType, p.problem(e, status, call.Of(c).ID))
}

func (p *Packer) problem(e *errno.Error, status int, requestID string) *v1.Problem {
	out := &v1.Problem{
		Type: problemURN + strconv.Itoa(int(e.Code)), Title: p.titles[e.Code], Status: int32(status), //nolint:gosec // 4xx, 5xx
		Code: e.Code, RequestID: requestID,
	}
	switch out.Title {
	case "": // of a newer service
		out.Title = e.Msg
	case e.Msg:
	default:
		out.Detail = &e.Msg
	}
	return out
}
