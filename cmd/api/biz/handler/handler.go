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
	// AnonymousUploadBytes bounds what is stored of uploads whose token has not come yet, AnonymousUploadsAddr how many of
	// them one client may have under way.
	AnonymousUploadBytes int64
	AnonymousUploadsAddr int
	// WorkDir is the folder for copies of uploads that ffmpeg reads, of those in a store without files. ReserveBytes are to
	// stay free there; see disk.Low.
	WorkDir      string
	ReserveBytes int64
	// Demo are the accounts that log in from nearby only.
	Demo Demo
	// EchoOwnMessages makes a chat poll return the caller's own messages too.
	EchoOwnMessages bool
}

// Handler has one method per endpoint. It keeps nothing between requests but who is uploading.
type Handler struct {
	Deps
	chats    *fair.Queue[int64] // of whole conversations, by user
	spool    *spool
	inFlight *inFlight
	// turns are for work of uploads that needs a CPU or a disk, covers for runs of ffmpeg for covers, drawing for drawn
	// ones: by user, of whom one holds at most half of the slots.
	turns, covers, drawing *fair.Queue[int64]
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
	cpus := runtime.GOMAXPROCS(0)
	half := max(cpus/2, 1)
	return &Handler{
		Deps: d, spool: newSpool(d.AnonymousUploadBytes, d.AnonymousUploadsAddr), inFlight: &inFlight{users: map[int64]int64{}},
		chats: fair.New[int64](fair.Config{Slots: chatsAtOnce, PerKey: chatsPerUser, WaitingPerKey: chatsWaiting}),
		turns: fair.New[int64](fair.Config{Slots: cpus, PerKey: half}),
		// Who would wait long for a cover gets a drawn one at once. As many runs at a time as here bound the memory of all:
		// see media.Tools.QuickCover.
		covers:  fair.New[int64](fair.Config{Slots: half, PerKey: max(half/2, 1), Waiting: coversWaiting * half, WaitingPerKey: coversWaiting / 2}),
		drawing: fair.New[int64](fair.Config{Slots: cpus, PerKey: half}),
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
