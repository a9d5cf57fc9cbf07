//go:build unix

package peek

import (
	"errors"
	"syscall"
)

func look(fd uintptr) State {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EINTR):
		return Nothing
	case err != nil || n == 0:
		return End
	}
	return Data
}
