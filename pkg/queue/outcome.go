package queue

import "errors"

// outcomeUnknown marks the error of a message that was handed over: it may be applied, or may be yet. errno.From knows it by its method.
type outcomeUnknown struct{ error }

// OutcomeUnknown tells errno.From.
func (outcomeUnknown) OutcomeUnknown() bool { return true }

// Unwrap is the cause.
func (u outcomeUnknown) Unwrap() error { return u.error }

// isOutcomeUnknown reports whether an error leaves open what became of a write: one of Publish, or of apply.
func isOutcomeUnknown(err error) bool {
	var unknown interface{ OutcomeUnknown() bool }
	return errors.As(err, &unknown) && unknown.OutcomeUnknown()
}

// after is the error of a second try to apply what may have been applied by the first.
func after(first, second error) error {
	if second != nil && isOutcomeUnknown(first) && !isOutcomeUnknown(second) {
		return outcomeUnknown{second}
	}
	return second
}
