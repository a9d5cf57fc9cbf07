//go:build !unix

package media

import "os/exec"

// ownGroup does nothing where there are no process groups; the program itself still ends with its context.
func ownGroup(*exec.Cmd) {}

// limit does nothing: only Linux can limit another process.
func limit(int, command) error { return nil }
