package call

import (
	"github.com/cloudwego/hertz/pkg/app"

	"tiktok/pkg/errno"
)

// refusalKey is where a request keeps its Refusal until Begin.
const refusalKey = "refusal"

// Refusal is why a request is not served, found before any handler has seen it. Its route then only answers.
type Refusal struct {
	// Kind names it in logs and metrics: a constant.
	Kind string
	// Status is the HTTP status outside of /douyin.
	Status int
	// Err is the answer below /douyin.
	Err *errno.Error
}

// Refuse marks a request that is about to be given to its route.
func Refuse(c *app.RequestContext, why *Refusal) { c.Set(refusalKey, why) }

func refusalOf(c *app.RequestContext, body *Body) *Refusal {
	v, _ := c.Get(refusalKey)
	if why, ok := v.(*Refusal); ok {
		return why
	}
	if body.Err() != nil {
		return &Refusal{Kind: "malformed", Status: 400, Err: errno.InvalidArgument.With("the request is not readable")}
	}
	return nil
}
