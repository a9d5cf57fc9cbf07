package hertzfix

import (
	"time"

	"golang.org/x/sys/unix"
)

// limitUnsent bounds the bytes that were written and that the kernel has not sent, 0 not at all. What was sent and is not
// acknowledged does not count, so a fast client far away is as fast as without a bound.
func (c *Conn) limitUnsent(bytes int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return // closed; the write will fail
	}
	_ = raw.Control(func(fd uintptr) {
		// Linux has it since 3.12. Without it a very slow client may be cut off.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
	})
}

// limitUnconfirmed ends the connection when what was sent is not acknowledged for d. The kernel's default is a quarter of an hour.
func (c *Conn) limitUnconfirmed(d time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return // closed; the write will fail
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds())) // Linux has it since 2.6.37
	})
}
