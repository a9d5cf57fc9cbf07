package gateway

import "github.com/cloudwego/hertz/pkg/route"

// Engine is what serves a request that is read.
func (g *Gateway) Engine() *route.Engine { return g.engine.Engine }
