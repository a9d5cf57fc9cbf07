//go:build !linux

package gateway

// limitUnsent does nothing: a very slow client may be cut off.
func (c *conn) limitUnsent(int) {}
