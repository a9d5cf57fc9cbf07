// Package handler answers the endpoints: it checks parameters, calls the services and hands the result to the view.
package handler

import (
	"log/slog"
	"runtime"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
	"tiktok/pkg/media"
)

// Deps are what the handlers need. All are needed.
type Deps struct {
	Clients rpc.Clients
	View    *view.View
	Tokens  *auth.Tokens
	Blobs   blob.Store
	Tools   *media.Tools
	Log     *slog.Logger
	// LoginFailures is for wrong passwords, per account and network.
	LoginFailures middleware.Limit
	// PublishUser is for uploads, per user.
	PublishUser middleware.Limit
	// MaxUploadBytes and MaxDuration bound a published video.
	MaxUploadBytes int64
	MaxDuration    time.Duration
	// UploadTimeout bounds one upload, transfer included.
	UploadTimeout time.Duration
	// WorkDir is the folder for copies of uploads that ffmpeg reads, of those in a store without files.
	WorkDir string
	// Demo are the accounts that log in from nearby only.
	Demo Demo
	// EchoOwnMessages makes a chat poll return the caller's own messages too.
	EchoOwnMessages bool
}

// Handler has one method per endpoint. It keeps nothing between requests.
type Handler struct {
	Deps
	turns chan struct{}      // of uploads that need a CPU: as many at once as there are
	chats *fair.Queue[int64] // of whole conversations, by user
}

// Whole conversations read at a time. One may have megabytes, and several copies of it exist while it is answered: who
// asks for many at once waits for themselves.
const (
	chatsAtOnce  = 16
	chatsPerUser = 2
	chatsWaiting = 8 // of one user
)

// New makes a Handler.
func New(d Deps) *Handler {
	return &Handler{
		Deps: d, turns: make(chan struct{}, runtime.GOMAXPROCS(0)),
		chats: fair.New[int64](fair.Config{Slots: chatsAtOnce, PerKey: chatsPerUser, WaitingPerKey: chatsWaiting}),
	}
}

// scope is for whom the answer is made.
func scope(in *call.Call) view.Scope { return view.Scope{Viewer: in.Viewer, Base: in.Base} }

// target is the user whose things are asked for: user_id, else the viewer.
func target(in *call.Call) (int64, error) {
	id, err := in.Params.OptionalID("user_id")
	if err != nil {
		return 0, err
	}
	if id == 0 {
		id = in.Viewer
	}
	if id == 0 {
		return 0, errno.Unauthenticated
	}
	return id, nil
}

// action reads action_type, which has to be one of two: do it (1) or undo it (2).
func action(in *call.Call) (undo bool, err error) {
	n, _, err := in.Params.Int("action_type")
	if err != nil {
		return false, err
	}
	if n != 1 && n != 2 {
		return false, errno.InvalidArgument.With("action_type is not valid")
	}
	return n == 2, nil
}

// whole asks for a list in one page. The client knows no paging of lists: what is beyond is not shown.
func whole() *common.Page { return &common.Page{Limit: common.MAX_BATCH} }
