package lifecycle

import (
	"errors"
	"slices"
)

// Closers are the ends of what was opened, in the order in which it was. Nil has nothing to close.
type Closers []func() error

// Add appends the end of what was just opened.
func (c *Closers) Add(end func() error) { *c = append(*c, end) }

// Close calls all of them in reverse, whatever fails, and returns all errors.
func (c Closers) Close() error {
	var errs []error
	for _, end := range slices.Backward(c) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}
