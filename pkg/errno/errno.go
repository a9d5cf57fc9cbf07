// Package errno is the one list of business errors: what a service may answer and a person may read.
package errno

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudwego/kitex/pkg/kerrors"
)

// Error is a business error. Its text is safe to show to anyone. Kitex carries it across processes as a biz status.
type Error struct {
	// Code is the status_code of the HTTP answer, one of codes.go.
	Code int32
	// Msg is a short English sentence for a person, without addresses, SQL or Go.
	Msg string
}

var _ kerrors.BizStatusErrorIface = (*Error)(nil)

// Error formats the code and the text, for logs.
func (e *Error) Error() string { return fmt.Sprintf("%s (code %d)", e.Msg, e.Code) }

// BizStatusCode is the code on the wire.
func (e *Error) BizStatusCode() int32 { return e.Code }

// BizMessage is the text on the wire.
func (e *Error) BizMessage() string { return e.Msg }

// BizExtra is always empty: the code and the text say all.
func (e *Error) BizExtra() map[string]string { return nil }

// Is matches by code, so that errors.Is(err, errno.VideoNotFound) also holds for an error that came over the wire
// or that carries another text.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With is the same error with a more exact text, e.g. errno.InvalidArgument.With("title is longer than 100 characters").
func (e *Error) With(msg string) *Error { return &Error{Code: e.Code, Msg: msg} }

// From turns any error into one that may be answered: an *Error as it is, also when wrapped; a biz status of Kitex; a
// deadline, a failed call or an error with Unavailable() true (a database that is away) as Unavailable; everything else
// as Internal. nil stays nil.
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
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || unreachable(err) {
		return Unavailable
	}
	var away interface{ Unavailable() bool }
	if errors.As(err, &away) && away.Unavailable() {
		return Unavailable
	}
	return Internal
}

// unreachable reports that a call never got an answer. A remote handler's own failure (ErrRemoteOrNetwork wraps both)
// is told apart by the absence of a remote status.
func unreachable(err error) bool {
	return errors.Is(err, kerrors.ErrRPCTimeout) || errors.Is(err, kerrors.ErrGetConnection) ||
		errors.Is(err, kerrors.ErrNoInstance) || errors.Is(err, kerrors.ErrNoMoreInstance) ||
		errors.Is(err, kerrors.ErrServiceDiscovery) || errors.Is(err, kerrors.ErrCanceledByBusiness)
}
