package gateway

import "golang.org/x/sys/unix"

// limitUnsent bounds what the kernel holds of what was written and has not been sent, 0 not at all. What was sent and not
// acknowledged does not count, so a fast client far away is as fast as before.
func (c *conn) limitUnsent(bytes int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return // closed; the write will tell
	}
	_ = raw.Control(func(fd uintptr) {
		// Every kernel since 3.12 has it. Without it a very slow client may be cut off.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
	})
}
