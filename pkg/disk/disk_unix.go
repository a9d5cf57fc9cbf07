//go:build linux || darwin

package disk

import "syscall"

// space is that of the file system that holds path.
func space(path string) (size, avail uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	block := uint64(s.Bsize) //nolint:gosec // a size
	return s.Blocks * block, s.Bavail * block, nil
}
