package gateway

import "github.com/cloudwego/hertz/pkg/route"

// Buffered is the memory that bodies hold, in bytes.
func (g *Gateway) Buffered() int64 { return g.bodies.Used() }

// Engine is what serves a request that is read.
func (g *Gateway) Engine() *route.Engine { return g.engine.Engine }
