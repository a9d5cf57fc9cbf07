package media

import (
	"errors"
	"fmt"
	"strings"
)

// What Config.Sandbox may be.
const (
	// SandboxAuto takes from ffmpeg what the kernel can take; Describe says what that is.
	SandboxAuto = "auto"
	// SandboxRequire runs ffmpeg only when the kernel keeps it from other files and from the network.
	SandboxRequire = "require"
	// SandboxOff runs it with the rights of this process.
	SandboxOff = "off"
)

// sandbox is what the kernel takes from a program before it is started: all privileges, and the following.
type sandbox struct {
	off      bool
	landlock int  // version of its interface, 0 for none: files but its own, TCP, and from version 6 on signals
	seccomp  bool // system calls for the network, for other processes, for owners and modes of files
}

// newSandbox is what there is of it on this machine. The error is that of SandboxRequire.
func newSandbox(mode string) (sandbox, error) {
	if mode == SandboxOff {
		return sandbox{off: true}, nil
	}
	s := kernelSandbox()
	if mode == SandboxRequire {
		return s, s.require()
	}
	return s, nil
}

// require is the error of what is missing.
func (s sandbox) require() error {
	var missing []string
	if s.landlock == 0 {
		missing = append(missing, "no Landlock")
	}
	if !s.seccomp {
		missing = append(missing, "no seccomp")
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New("media.sandbox is require, but the kernel has " + strings.Join(missing, " and "))
}

// describe says what holds, for a log.
func (s sandbox) describe() string {
	if s.off || s.landlock == 0 && !s.seccomp {
		return "no sandbox: it may do what this process may"
	}
	var parts []string
	if s.landlock > 0 {
		parts = append(parts, fmt.Sprintf("Landlock %d", s.landlock))
	}
	if s.seccomp {
		parts = append(parts, "seccomp")
	}
	text := "sandbox: " + strings.Join(parts, ", ")
	switch {
	case s.landlock == 0:
		text += "; no Landlock: it may read what this process may"
	case !s.seccomp:
		text += "; no seccomp: UDP and sockets of this machine are open to it"
	case s.landlock < scopeVersion:
		text += "; it may signal other processes of its user"
	}
	return text
}

// scopeVersion is that of Landlock which keeps signals inside.
const scopeVersion = 6
