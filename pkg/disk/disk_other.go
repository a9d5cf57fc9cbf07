//go:build !linux && !darwin

package disk

import "errors"

// space is not asked for on this system.
func space(string) (size, avail uint64, err error) {
	return 0, 0, errors.ErrUnsupported
}
