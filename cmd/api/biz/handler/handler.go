// Package handler answers the endpoints: it checks parameters, calls the services and hands the result to the view.
package handler

import (
	"log/slog"
	"runtime"
	"time"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/middleware"
	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/cmd/api/biz/streams"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
	"tiktok/pkg/media"
	"tiktok/pkg/push"
)

// Deps are what the handlers need. All are needed.
type Deps struct {
	Clients rpc.Clients
	View    *view.View
	Tokens  *auth.Tokens
	Guard   middleware.Guard
	// Hints are for the event streams, Streams those that are open.
	Hints   push.Broker
	Streams *streams.Set
	Blobs   blob.Store
	Tools   *media.Tools
	// Bodies bounds the memory for bodies that are held.
	Bodies *params.Budget
	Log    *slog.Logger
	// LoginFailures limits wrong passwords, per account and network.
	LoginFailures middleware.Limit
	// TokenTTL is how long a session lives.
	TokenTTL time.Duration
	// PublishUser limits uploads, per user.
	PublishUser middleware.Limit
	// MaxUploadBytes and MaxDuration bound a published video.
	MaxUploadBytes int64
	MaxDuration    time.Duration
	// UploadTimeout bounds one upload, transfer included.
	UploadTimeout time.Duration
	// AnonymousUploadBytes bounds what is stored of uploads whose token has not come yet, AnonymousUploadsAddr the number of such
	// uploads of one client.
	AnonymousUploadBytes int64
	AnonymousUploadsAddr int
	// WorkDir is the folder for copies of uploads that ffmpeg reads, where the store has no files. ReserveBytes are kept free
	// there; see disk.Low.
	WorkDir      string
	ReserveBytes int64
	// Demo are the accounts that log in from nearby only.
	Demo Demo
	// Zone is that of a comment's date.
	Zone *time.Location
	// EchoOwnMessages makes a chat poll also return the caller's own messages.
	EchoOwnMessages bool
}

// Handler has one method per endpoint. Between requests it keeps only the counts of uploads.
type Handler struct {
	Deps
	chatSlots *fair.Queue[int64] // for reading whole conversations, by user
	spool     *spool
	announced *announced
	// cpuSlots are for work of uploads that needs a CPU or a disk, coverSlots for runs of ffmpeg for covers, drawSlots for drawn
	// covers: by user, who holds at most half of the slots.
	cpuSlots, coverSlots, drawSlots *fair.Queue[int64]
	// pictures bounds the pictures of profiles that are held, pictureSlots those that are scaled: one at a time, which may need
	// picture.MaxMemory.
	pictures, pictureSlots *fair.Queue[int64]
}

// How many whole conversations are read at a time. One may have megabytes, of which several copies exist while it is answered.
const (
	maxChats        = 16
	maxChatsPerUser = 2
	maxChatsWaiting = 8 // of one user
)

// New makes a Handler.
func New(d Deps) *Handler {
	cpus := runtime.GOMAXPROCS(0)
	half := max(cpus/2, 1)
	return &Handler{
		Deps: d, spool: newSpool(d.AnonymousUploadBytes, d.AnonymousUploadsAddr), announced: &announced{users: map[int64]int64{}},
		chatSlots: fair.New[int64](fair.Config{Slots: maxChats, PerKey: maxChatsPerUser, WaitingPerKey: maxChatsWaiting}),
		cpuSlots:  fair.New[int64](fair.Config{Slots: cpus, PerKey: half}),
		// An upload that would wait long for a cover gets a drawn one at once. The number of slots bounds the memory of the runs:
		// see media.Tools.QuickCover.
		coverSlots: fair.New[int64](fair.Config{
			Slots: half, PerKey: max(half/2, 1), Waiting: coversWaiting * half, WaitingPerKey: coversWaiting / 2,
		}),
		drawSlots:    fair.New[int64](fair.Config{Slots: cpus, PerKey: half}),
		pictures:     fair.New[int64](fair.Config{Slots: maxPictures, PerKey: 1, WaitingPerKey: maxPicturesWaiting}),
		pictureSlots: fair.New[int64](fair.Config{Slots: 1}),
	}
}

// target is the user whose data is requested: user_id, else the viewer.
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

// fullPage asks for a list in one page. The client knows no paging of lists: what is beyond is not shown.
func fullPage() *common.Page { return &common.Page{Limit: common.MAX_BATCH} }
