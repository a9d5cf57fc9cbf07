// Package disk says how much room a file system has, and which errors mean none.
package disk

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Space is the size of the file system that holds path and what is left of it for this process, in bytes. path, or folders
// above it, need not exist yet. The error is errors.ErrUnsupported on systems that are not asked.
func Space(path string) (size, avail uint64, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, 0, err
	}
	for {
		size, avail, err = space(path)
		up := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || up == path {
			return size, avail, err
		}
		path = up
	}
}

// reservePart is the part of a small file system that Low keeps free at most.
const reservePart = 20

// Low reports whether the file system that holds path has less left than reserve bytes, or than a twentieth of it where
// that is less. A file system that does not say is not low.
func Low(path string, reserve int64) bool {
	if reserve <= 0 {
		return false
	}
	size, avail, err := Space(path)
	return err == nil && avail < min(uint64(reserve), size/reservePart)
}

// Full reports whether an error says that a file system, or a user's quota of it, has no room.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
