package lifecycle

import (
	"errors"
	"slices"
)

// Closers release resources, in the reverse of the order in which they were opened. Nil has nothing to close.
type Closers []func() error

// Add appends the function that releases what was just opened.
func (c *Closers) Add(release func() error) { *c = append(*c, release) }

// Close calls all of them, whatever fails, and returns all errors.
func (c Closers) Close() error {
	var errs []error
	for _, release := range slices.Backward(c) {
		errs = append(errs, release())
	}
	return errors.Join(errs...)
}
