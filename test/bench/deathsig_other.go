//go:build !linux

package main

import "syscall"

// dieWithParent is possible on Linux only: elsewhere a killed test leaves its processes running.
func dieWithParent() *syscall.SysProcAttr { return nil }
