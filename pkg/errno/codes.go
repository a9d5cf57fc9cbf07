package errno

// General errors, 100xx.
var (
	Internal        = &Error{10001, "internal error"}
	InvalidArgument = &Error{10002, "invalid argument"}
	Unauthenticated = &Error{10003, "please log in"}
	Forbidden       = &Error{10004, "not allowed"}
	NotFound        = &Error{10005, "not found"}
	AlreadyExists   = &Error{10006, "already exists"}
	TooManyRequests = &Error{10007, "too many requests, please try again later"}
	// Unavailable says of a write that it was certainly not done and will not be: the client may send it again at once.
	Unavailable = &Error{10008, "service is busy, please try again"}
	// 10009 is in internal.go.
	MethodNotAllowed     = &Error{10010, "this method is not allowed here"}
	UnsupportedMediaType = &Error{10011, "this content type is not accepted here"}
	BodyTooLarge         = &Error{10012, "the body is too large"}
	// OutcomeUnknown is the answer to a write that may have been done, or may yet be. A client looks first, or repeats it with the
	// Idempotency-Key that it sent.
	OutcomeUnknown       = &Error{10013, "it is not known whether this was done, please look before you repeat it"}
	IdempotencyKeyReused = &Error{10014, "this idempotency key was used for another request"}
)

// User errors, 102xx.
var (
	UserNotFound       = &Error{10201, "user does not exist"}
	UserNameTaken      = &Error{10202, "username is already taken"}
	UserBadCredentials = &Error{10203, "wrong username or password"}
	PasswordTooCommon  = &Error{10204, "this password is too common, please choose another one"}
	SessionNotFound    = &Error{10205, "session does not exist"}
	ProfileRefused     = &Error{10206, "the text holds a forbidden word"}
	PictureUnreadable  = &Error{10207, "the file is not a picture that can be read"}
	PictureTooLarge    = &Error{10208, "the picture is too large"}
)

// Video errors, 103xx.
var (
	VideoNotFound    = &Error{10301, "video does not exist"}
	VideoUnplayable  = &Error{10302, "the file is not a playable video"}
	VideoTooLarge    = &Error{10303, "the file is too large"}
	VideoTooLong     = &Error{10304, "the video is too long"}
	VideoFileMissing = &Error{10305, "no video file was sent"}
	QuotaExceeded    = &Error{10306, "you have no room for this video, please delete another one first"}
)

// Interaction errors, 104xx.
var (
	CommentNotFound = &Error{10401, "comment does not exist"}
	CommentRefused  = &Error{10402, "the comment holds a forbidden word"}
)

// Social errors, 105xx.
var (
	SocialSelf = &Error{10501, "you cannot follow yourself"}
)

// Chat errors, 106xx.
var (
	ChatSelf        = &Error{10601, "you cannot message yourself"}
	MessageRefused  = &Error{10602, "the message holds a forbidden word"}
	MessageNotFound = &Error{10603, "message does not exist"}
)

// Notice errors, 107xx.
var (
	PushUnavailable = &Error{10701, "this server does not push to browsers"}
)

// Discovery errors, 108xx.
var (
	SearchUnavailable = &Error{10801, "search is not available now, please try again later"}
)

// All lists every error, for tests and documents.
func All() []*Error {
	return []*Error{
		Internal, InvalidArgument, Unauthenticated, Forbidden, NotFound, AlreadyExists, TooManyRequests, Unavailable,
		MethodNotAllowed, UnsupportedMediaType, BodyTooLarge, OutcomeUnknown, IdempotencyKeyReused,
		UserNotFound, UserNameTaken, UserBadCredentials, PasswordTooCommon, SessionNotFound, ProfileRefused, PictureUnreadable, PictureTooLarge,
		VideoNotFound, VideoUnplayable, VideoTooLarge, VideoTooLong, VideoFileMissing, QuotaExceeded,
		CommentNotFound, CommentRefused,
		SocialSelf,
		ChatSelf, MessageRefused, MessageNotFound,
		PushUnavailable,
		SearchUnavailable,
	}
}
