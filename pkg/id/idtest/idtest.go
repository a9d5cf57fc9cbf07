// Package idtest makes ids for tests.
package idtest

import "tiktok/pkg/id"

// Next is a new id of a generator of id.New, which refuses none.
func Next(g *id.Generator) int64 {
	n, err := g.Next()
	if err != nil {
		return 0 // which nothing takes for an id
	}
	return n
}
