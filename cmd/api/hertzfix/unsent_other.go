//go:build !linux

package hertzfix

// limitUnsent does nothing: a very slow client may be cut off.
func (c *Conn) limitUnsent(int) {}
