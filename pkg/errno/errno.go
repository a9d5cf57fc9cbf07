// Package errno lists the business errors that services return and clients display.
package errno

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudwego/kitex/pkg/kerrors"
)

// Error is a business error. Its text is safe to display. Kitex transports it as a biz status.
type Error struct {
	// Code is the status_code of the HTTP answer, one of codes.go.
	Code int32
	// Msg is a short English sentence for users, without internals such as addresses or SQL.
	Msg string
}

var _ kerrors.BizStatusErrorIface = (*Error)(nil)

// Error formats the code and the text, for logs.
func (e *Error) Error() string { return fmt.Sprintf("%s (code %d)", e.Msg, e.Code) }

// BizStatusCode is the code on the wire.
func (e *Error) BizStatusCode() int32 { return e.Code }

// BizMessage is the text on the wire.
func (e *Error) BizMessage() string { return e.Msg }

// BizExtra is always empty.
func (e *Error) BizExtra() map[string]string { return nil }

// Is compares codes, so that errors.Is(err, errno.VideoNotFound) also holds for an error that was received over the wire or
// has another text.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// OutcomeUnknown reports whether it leaves open what became of a write, for packages that carry errors without knowing codes.
func (e *Error) OutcomeUnknown() bool { return e.Code == OutcomeUnknown.Code }

// With returns the same error with a more specific text, e.g. errno.InvalidArgument.With("title is longer than 100 characters").
func (e *Error) With(msg string) *Error { return &Error{Code: e.Code, Msg: msg} }

// From converts any error into one that may be returned to a client: an *Error, also a wrapped one, and a biz status of Kitex
// as they are; an error whose method OutcomeUnknown returns true (a commit whose answer was lost) as OutcomeUnknown; a deadline, a
// failed call or an error whose method Unavailable returns true (a database that is down) as Unavailable; everything else as Internal;
// nil as nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if b, ok := kerrors.FromBizStatusError(err); ok {
		return &Error{Code: b.BizStatusCode(), Msg: b.BizMessage()}
	}
	var unknown interface{ OutcomeUnknown() bool }
	if errors.As(err, &unknown) && unknown.OutcomeUnknown() {
		return OutcomeUnknown
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || unreachable(err) {
		return Unavailable
	}
	var away interface{ Unavailable() bool }
	if errors.As(err, &away) && away.Unavailable() {
		return Unavailable
	}
	return Internal
}

// unreachable reports that a call got no answer. It does not test for ErrRemoteOrNetwork, which also wraps failures of the
// remote handler.
func unreachable(err error) bool {
	return errors.Is(err, kerrors.ErrRPCTimeout) || errors.Is(err, kerrors.ErrGetConnection) ||
		errors.Is(err, kerrors.ErrNoInstance) || errors.Is(err, kerrors.ErrNoMoreInstance) ||
		errors.Is(err, kerrors.ErrServiceDiscovery) || errors.Is(err, kerrors.ErrCanceledByBusiness)
}
