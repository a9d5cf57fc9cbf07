// Package peek looks at a connection without reading it.
package peek

import "syscall"

// State is what the next read of a connection would find.
type State int

const (
	// Nothing means that the connection is open and a read would wait. It is also the answer where the system cannot tell.
	Nothing State = iota
	// Data means that there is something to read.
	Data
	// End means that the other side has closed, at least the half on which it sends, or the connection has failed or is closed here.
	End
)

// Look takes nothing and does not wait.
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
