//go:build unix

package connlimit

import "syscall"

// openFiles is how many file descriptors the process may have, 0 when there is no limit or it is not known. The Go runtime has
// raised the soft limit to the hard one by then, because the process imports os.
func openFiles() uint64 {
	var r syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r) != nil || uint64(r.Cur) > 1<<32 { //nolint:unconvert // int64 on FreeBSD
		return 0
	}
	return uint64(r.Cur) //nolint:unconvert // see above
}
