// Package peek reports the state of a connection without reading from it (MSG_PEEK).
package peek

import "syscall"

// State is what the next read of a connection would find.
type State int

const (
	// Nothing means that the connection is open and a read would block. Systems other than Unix always report it.
	Nothing State = iota
	// Data means that a read would return data.
	Data
	// End means that the peer has closed at least its sending half, or that the connection has failed or is closed here.
	End
)

// Look returns the state of c. It does not block and consumes nothing.
func Look(c syscall.Conn) State {
	raw, err := c.SyscallConn()
	if err != nil {
		return End
	}
	state := Nothing
	if err := raw.Control(func(fd uintptr) { state = look(fd) }); err != nil {
		return End
	}
	return state
}
