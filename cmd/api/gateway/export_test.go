package gateway

import "github.com/cloudwego/hertz/pkg/route"

// Buffered is what bodies hold of the memory.
func (g *Gateway) Buffered() int64 { return g.bodies.Used() }

// Engine is what serves a request that is read.
func (g *Gateway) Engine() *route.Engine { return g.engine.Engine }

// Reading is the number of connections on which a head comes in.
func (g *Gateway) Reading() (n int) {
	for _, c := range g.ln.all() {
		if c.state.Load() == reading {
			n++
		}
	}
	return n
}
