//go:build !linux

package media

// kernelSandbox is nothing: only Linux has one.
func kernelSandbox() sandbox { return sandbox{off: true} }

// confine does nothing.
func (sandbox) confine(command) error { return nil }

// mainThread is false: all threads are alike.
func mainThread() bool { return false }
