package errno

import "net/http"

// Status is the HTTP status of the error on surfaces that have real statuses (/api/v1). A code that this process does not know, as one
// of a newer service has during a rolling update, is 500.
func (e *Error) Status() int {
	switch e.Code {
	case InvalidArgument.Code, VideoFileMissing.Code:
		return http.StatusBadRequest
	case Unauthenticated.Code, UserBadCredentials.Code:
		return http.StatusUnauthorized
	case Forbidden.Code:
		return http.StatusForbidden
	case NotFound.Code, UserNotFound.Code, SessionNotFound.Code, VideoNotFound.Code, CommentNotFound.Code,
		MessageNotFound.Code:
		return http.StatusNotFound
	case MethodNotAllowed.Code:
		return http.StatusMethodNotAllowed
	case AlreadyExists.Code, UserNameTaken.Code, QuotaExceeded.Code, PushUnavailable.Code:
		return http.StatusConflict
	case BodyTooLarge.Code, PictureTooLarge.Code, VideoTooLarge.Code:
		return http.StatusRequestEntityTooLarge
	case UnsupportedMediaType.Code:
		return http.StatusUnsupportedMediaType
	case PasswordTooCommon.Code, ProfileRefused.Code, PictureUnreadable.Code, VideoUnplayable.Code, VideoTooLong.Code,
		CommentRefused.Code, SocialSelf.Code, ChatSelf.Code, MessageRefused.Code, IdempotencyKeyReused.Code:
		return http.StatusUnprocessableEntity
	case TooManyRequests.Code:
		return http.StatusTooManyRequests
	case Unavailable.Code, OutcomeUnknown.Code, SearchUnavailable.Code:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
