//go:build !linux

package hertzfix

import "time"

// limitUnsent does nothing: a very slow client may be cut off.
func (c *Conn) limitUnsent(int) {}

// limitUnconfirmed does nothing: the system gives up what is not acknowledged when it does.
func (c *Conn) limitUnconfirmed(time.Duration) {}
