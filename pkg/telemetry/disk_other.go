//go:build !linux && !darwin

package telemetry

import "errors"

// space is not asked for here.
func space(string) (size, avail uint64, err error) {
	return 0, 0, errors.ErrUnsupported
}
